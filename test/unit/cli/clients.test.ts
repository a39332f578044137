/** What old scripts and tools call: every command line means what they meant by it. */
import type { CommandUnknownOpts } from 'commander';
import { describe, expect, it } from 'vitest';
import { runCommandLine } from '../../../src/cli/argparse.ts';
import { programOf } from '../../../src/cli/words.ts';
import { commandTree } from '../../../src/packaging/command-tree.ts';

interface Meaning {
  readonly command: string;
  readonly args: readonly string[];
  readonly options: Record<string, unknown>;
}

/** What a command line is understood as; nothing is done. */
async function meaningOf(argv: readonly string[]): Promise<Meaning | undefined> {
  const program = commandTree(argv);
  let meaning: Meaning | undefined;
  const capture = (command: CommandUnknownOpts) => {
    if (command.commands.length === 0)
      command.action(() => {
        const given = Object.entries(command.optsWithGlobals()).filter(
          ([key]) => !['default', undefined].includes(sourceOf(command, key)),
        );
        meaning = { command: programOf(command), args: command.args, options: Object.fromEntries(given) };
      });
    for (const child of command.commands) capture(child);
  };
  capture(program);
  await runCommandLine(program, argv);
  return meaning;
}

function sourceOf(command: CommandUnknownOpts, key: string): string | undefined {
  return command.getOptionValueSourceWithGlobals(key);
}

const IMAGE = 'registry.example.org/etcd:3';

describe('the Ansible modules', () => {
  it.each([
    {
      argv: [
        'containers',
        'list',
        '--no-trunc',
        '-n',
        '--all',
        '-f',
        'backend=ostree',
        '-f',
        'container=etcd',
      ],
      command: 'atomic containers list',
      args: [],
      options: { trunc: false, noheading: true, all: true, filter: ['backend=ostree', 'container=etcd'] },
    },
    {
      argv: [
        'install',
        '--storage=ostree',
        '--name=etcd',
        '--system',
        '--rootfs=/ck/a',
        '--set=A=B',
        '--set=C=',
        IMAGE,
      ],
      command: 'atomic install',
      args: [IMAGE],
      options: { storage: 'ostree', name: 'etcd', system: true, rootfs: '/ck/a', set: ['A=B', 'C='] },
    },
    {
      argv: ['install', '--storage=ostree', '--name=etcd', '--user', IMAGE],
      command: 'atomic install',
      args: [IMAGE],
      options: { storage: 'ostree', name: 'etcd', user: true },
    },
    {
      argv: ['containers', 'update', `--rebase=${IMAGE}`, '--set=A=B', 'etcd'],
      command: 'atomic containers update',
      args: ['etcd'],
      options: { rebase: IMAGE, set: ['A=B'] },
    },
    {
      argv: ['uninstall', '--storage=ostree', 'etcd'],
      command: 'atomic uninstall',
      args: ['etcd'],
      options: { storage: 'ostree' },
    },
    {
      argv: ['containers', 'rollback', 'etcd'],
      command: 'atomic containers rollback',
      args: ['etcd'],
      options: {},
    },
    {
      argv: ['pull', '--storage=ostree', IMAGE],
      command: 'atomic pull',
      args: [IMAGE],
      options: { storage: 'ostree' },
    },
    {
      argv: ['run', '--storage=ostree', IMAGE],
      command: 'atomic run',
      args: [IMAGE],
      options: { storage: 'ostree' },
    },
    {
      argv: ['images', 'delete', '--storage=ostree', IMAGE],
      command: 'atomic images delete',
      args: [IMAGE],
      options: { storage: 'ostree' },
    },
    { argv: ['update', '--force', IMAGE], command: 'atomic update', args: [IMAGE], options: { force: true } },
    { argv: ['uninstall', IMAGE], command: 'atomic uninstall', args: [IMAGE], options: {} },
  ])('mean $command by $argv', async ({ argv, ...meaning }) => {
    expect(await meaningOf(argv)).toEqual(meaning);
  });
});

describe('openshift-ansible', () => {
  it.each([
    {
      argv: ['containers', 'list', '--json', '--all', '-f', 'container=etcd'],
      command: 'atomic containers list',
      args: [],
      options: { json: true, all: true, filter: ['container=etcd'] },
    },
    {
      argv: [
        'install',
        '--system',
        '--system-package=no',
        '--name=etcd',
        '--set=ADDTL_MOUNTS=,{"a":1},{"b":2}',
        IMAGE,
      ],
      command: 'atomic install',
      args: [IMAGE],
      options: { system: true, systemPackage: 'no', name: 'etcd', set: ['ADDTL_MOUNTS=,{"a":1},{"b":2}'] },
    },
    {
      argv: ['containers', 'list', '--no-trunc', '-a', '-f', 'container=etcd', '-f', 'backend=ostree'],
      command: 'atomic containers list',
      args: [],
      options: { trunc: false, all: true, filter: ['container=etcd', 'backend=ostree'] },
    },
    {
      argv: ['images', 'list', '-f', 'repo=cri-o', '--json'],
      command: 'atomic images list',
      args: [],
      options: { filter: ['repo=cri-o'], json: true },
    },
    {
      argv: ['-y', 'images', 'delete', '-f', '5ed179e75ffc'],
      command: 'atomic images delete',
      args: ['5ed179e75ffc'],
      options: { assumeyes: true, force: true },
    },
  ])('means $command by $argv', async ({ argv, ...meaning }) => {
    expect(await meaningOf(argv)).toEqual(meaning);
  });
});

describe('OpenStack', () => {
  const installed = { command: 'atomic install', options: { name: 'kubelet' } };

  it.each([
    {
      argv: [
        'install',
        '--storage',
        'ostree',
        '--system',
        '--system-package',
        'no',
        '--set',
        'A=B',
        '--name',
        'kubelet',
        IMAGE,
      ],
      command: 'atomic install',
      args: [IMAGE],
      options: { storage: 'ostree', system: true, systemPackage: 'no', set: ['A=B'], name: 'kubelet' },
    },
    {
      argv: ['containers', 'list', '-f', 'container=kube', '-q', '--no-trunc'],
      command: 'atomic containers list',
      args: [],
      options: { filter: ['container=kube'], quiet: true, trunc: false },
    },
    {
      argv: ['pull', '--storage', 'ostree', IMAGE],
      command: 'atomic pull',
      args: [IMAGE],
      options: { storage: 'ostree' },
    },
    {
      argv: ['containers', 'update', '--rebase', IMAGE, 'kubelet'],
      command: 'atomic containers update',
      args: ['kubelet'],
      options: { rebase: IMAGE },
    },
    {
      argv: ['--assumeyes', 'images', `delete ${IMAGE}`],
      command: 'atomic images delete',
      args: [IMAGE],
      options: { assumeyes: true },
    },
    { argv: ['images', 'prune'], command: 'atomic images prune', args: [], options: {} },
    { argv: ['install', IMAGE, '-n kubelet', ''], ...installed, args: [IMAGE] },
    { argv: ['install', IMAGE, '--name kubelet', ''], ...installed, args: [IMAGE] },
    {
      argv: ['install', '-n', 'kubelet', IMAGE, 'an', 'argument'],
      ...installed,
      args: [IMAGE, 'an', 'argument'],
    },
  ])('means $command by $argv', async ({ argv, ...meaning }) => {
    expect(await meaningOf(argv)).toEqual(meaning);
  });
});

describe('scripts that clean up', () => {
  it.each([
    {
      argv: ['--assumeyes', 'containers', 'delete', '--all', '--force'],
      command: 'atomic containers delete',
      args: [],
      options: { assumeyes: true, all: true, force: true },
    },
    {
      argv: ['--assumeyes', 'images', 'delete', '--all', '--force'],
      command: 'atomic images delete',
      args: [],
      options: { assumeyes: true, all: true, force: true },
    },
    { argv: ['images', 'list', '-q'], command: 'atomic images list', args: [], options: { quiet: true } },
    {
      argv: ['-i', '-y', 'images', 'delete', 'a', 'b', '-f', '--storage=ostree'],
      command: 'atomic images delete',
      args: ['a', 'b'],
      options: { ignore: true, assumeyes: true, force: true, storage: 'ostree' },
    },
    {
      argv: ['--ignore', 'uninstall', 'etcd', '--force', '--opt1', 'x'],
      command: 'atomic uninstall',
      args: ['etcd'],
      options: { ignore: true, force: true, opt1: 'x' },
    },
    { argv: ['stop', 'etcd', ''], command: 'atomic stop', args: ['etcd'], options: {} },
  ])('mean $command by $argv', async ({ argv, ...meaning }) => {
    expect(await meaningOf(argv)).toEqual(meaning);
  });
});

describe('the words of a command line', () => {
  it.each([
    { name: 'an empty value', argv: ['install', IMAGE, '--name', ''], args: [IMAGE], options: { name: '' } },
    {
      name: 'an empty value after a sign',
      argv: ['install', '--name=', IMAGE],
      args: [IMAGE],
      options: { name: '' },
    },
    {
      name: 'a short option with a sign',
      argv: ['install', '-n=a', IMAGE],
      args: [IMAGE],
      options: { name: 'a' },
    },
    {
      name: 'a value with blanks',
      argv: ['install', '--set=A=b c', IMAGE],
      args: [IMAGE],
      options: { set: ['A=b c'] },
    },
    {
      name: 'a value that looks like an option',
      argv: ['install', '--set', '--a=b', IMAGE],
      args: [IMAGE],
      options: { set: ['--a=b'] },
    },
    {
      name: 'an abbreviation with its value in one word',
      argv: ['install', '--na x', IMAGE],
      args: [IMAGE],
      options: { name: 'x' },
    },
    {
      name: 'words after two dashes',
      argv: ['install', '--', IMAGE, '-n x', ''],
      args: [IMAGE, '-n x', ''],
      options: {},
    },
  ])('may have $name', async ({ argv, args, options }) => {
    expect(await meaningOf(argv)).toEqual({ command: 'atomic install', args, options });
  });

  it('of a program that is run belong to it, whatever they are', async () => {
    const command = ['sh', '-c', 'echo $1', '--detach', '-n x', ''];

    expect(await meaningOf(['run', '--detach', 'etcd', ...command])).toEqual({
      command: 'atomic run',
      args: ['etcd', ...command],
      options: { detach: true },
    });
  });

  it('in a bundle may end with a value in the next word', async () => {
    expect(await meaningOf(['images', 'list', '-aqf', ''])).toMatchObject({
      options: { all: true, quiet: true, filter: [''] },
    });
    expect(await meaningOf(['images', 'list', '-af repo=x'])).toMatchObject({
      options: { all: true, filter: ['repo=x'] },
    });
  });
});
