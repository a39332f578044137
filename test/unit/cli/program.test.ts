import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { runCommandLine } from '../../../src/cli/argparse.ts';
import { explain } from '../../../src/cli/errors.ts';
import { createProgram } from '../../../src/cli/program.ts';
import { useDirectory } from '../support/directory.ts';

let checkouts = '/nowhere';

/** What the program prints and how it ends, for command lines that do not get as far as the host. */
async function run(
  ...argv: readonly string[]
): Promise<{ stdout: string; stderr: readonly string[]; exitCode: number }> {
  let stdout = '';
  const write = (text: string) => {
    stdout += text;
  };
  const output = {
    write,
    line: (text: string) => write(`${text}\n`),
    warn: () => undefined,
    stdoutIsTty: false,
    columns: () => 80,
  };
  const user = { uid: 0, gid: 0, home: '/root', isRoot: true };
  const env = { ATOMIC_OSTREE_CHECKOUT_PATH: checkouts };
  const { signal } = new AbortController();
  try {
    const exitCode = await runCommandLine(
      createProgram(
        {
          output,
          input: () => Readable.from([]),
          surroundings: { env, user, cwd: () => '/', program: '/a', signal, ignoresSignals: false },
          stdinIsTty: false,
        },
        argv,
      ),
      argv,
    );
    return { stdout, stderr: [], exitCode };
  } catch (error) {
    const { exitCode, lines } = explain(error, { verb: argv[0] ?? '', isRoot: true });
    return { stdout, stderr: lines, exitCode };
  }
}

/** Both lines of a usage error. */
const usage = (program: string, message: string) => ({
  stdout: '',
  stderr: [`${program}: ${message}`, `Try '${program} --help' for more information.`],
  exitCode: 2,
});

describe('usage errors', () => {
  it.each([
    { argv: [], program: 'atomic', message: 'too few arguments' },
    { argv: ['-y'], program: 'atomic -y', message: 'too few arguments' },
    { argv: ['images'], program: 'atomic images', message: 'too few arguments' },
    { argv: ['containers'], program: 'atomic containers', message: 'too few arguments' },
    {
      argv: ['install'],
      program: 'atomic install',
      message: 'the following arguments are required: image, args',
    },
    { argv: ['pull'], program: 'atomic pull', message: 'the following arguments are required: image' },
    {
      argv: ['images', 'tag', 'a'],
      program: 'atomic images tag',
      message: 'the following arguments are required: src, target',
    },
    { argv: ['images', '-y', 'delete', 'x'], program: 'atomic', message: 'unrecognized arguments: -y' },
    { argv: ['images', 'list', '--bogus'], program: 'atomic', message: 'unrecognized arguments: --bogus' },
    { argv: ['containers', 'list', 'x', 'y'], program: 'atomic', message: 'unrecognized arguments: x y' },
    { argv: ['install', 'x', '-y'], program: 'atomic', message: 'unrecognized arguments: -y' },
    {
      argv: ['pull', 'x', '--storage'],
      program: 'atomic pull',
      message: 'argument --storage: expected one argument',
    },
    {
      argv: ['install', '--sys', 'x'],
      program: 'atomic install',
      message: 'ambiguous option: --sys could match --system, --system-package',
    },
    {
      argv: ['install', '--system', '--user', 'x'],
      program: 'atomic install',
      message: 'argument --system: not allowed with argument --user',
    },
    {
      argv: ['run', '-q', '--display', 'x'],
      program: 'atomic run',
      message: 'argument --quiet/-q: not allowed with argument --display',
    },
    {
      argv: ['images', 'delete', '-f', '--remote', 'x'],
      program: 'atomic images delete',
      message: 'argument --force/-f: not allowed with argument --remote',
    },
    {
      argv: ['images', 'update'],
      program: 'atomic images update',
      message: 'the following arguments are required: image',
    },
    {
      argv: ['update', '--storage=ostree'],
      program: 'atomic update',
      message: 'the following arguments are required: image',
    },
  ])('answers atomic $argv', async ({ argv, program, message }) => {
    expect(await run(...argv)).toEqual(usage(program, message));
  });

  it('names the choices for a verb that is none', async () => {
    const { stderr, exitCode } = await run('bogus');

    expect(exitCode).toBe(2);
    expect(stderr[0]).toMatch(
      /^atomic: invalid choice: 'bogus' \(choose from 'containers', 'images', .*'version'\)$/,
    );
  });
});

describe('a verb that is none of a group', () => {
  it('is answered with those that people type', async () => {
    const { stderr } = await run('containers', 'bogus');

    expect(stderr[0]).toMatch(/choose from .*'list'.*'update'/);
    expect(stderr[0]).not.toContain('recover');
  });
});

describe('a misspelt command', () => {
  it.each([
    { argv: ['updat'], hint: 'Did you mean update?' },
    { argv: ['images', 'lst'], hint: 'Did you mean list?' },
  ])('is answered with $hint on a line of its own', async ({ argv, hint }) => {
    const { stderr, exitCode } = await run(...argv);

    expect(exitCode).toBe(2);
    expect(stderr).toEqual([
      expect.stringContaining('invalid choice'),
      expect.stringContaining('--help'),
      hint,
    ]);
  });

  it('that is like no other gets no such line', async () => {
    expect((await run('zzzzzz')).stderr).toHaveLength(2);
  });
});

describe('the version', () => {
  it.each(['-v', '--version', '--vers'])('is printed for %s', async (flag) => {
    expect(await run(flag)).toEqual({ stdout: '1.22.1\n', stderr: [], exitCode: 0 });
  });
});

describe('help', () => {
  it.each([
    {
      argv: ['--help'],
      options: ['--debug', '--ignore', '--assumeyes', '--version', 'containers', 'images', 'pull'],
    },
    {
      argv: ['install', '-h'],
      options: [
        '--system ',
        '--user',
        '--name',
        '--storage',
        '--set',
        '--rootfs',
        '--runtime',
        '--system-package',
        '--display',
      ],
    },
    { argv: ['uninstall', '--help'], options: ['--name', '--force', '--storage', '--display'] },
    {
      argv: ['run', '--help'],
      options: [
        '--storage',
        '--name',
        '--detach',
        '--runtime',
        '--set',
        '--replace',
        '--spc',
        '--quiet',
        '--display',
      ],
    },
    { argv: ['stop', '--help'], options: ['--display'] },
    { argv: ['pull', '--help'], options: ['--storage', '--src-creds', '--type'] },
    { argv: ['mount', '--help'], options: ['--options', '--live', '--shared', '--storage'] },
    { argv: ['unmount', '--help'], options: ['unmount|umount'] },
    {
      argv: ['images', '--help'],
      options: ['delete', 'help', 'info', 'list', 'prune', 'tag', 'update', 'verify', 'version'],
    },
    {
      argv: ['images', 'list', '--help'],
      options: ['--all', '--filter', '--noheading', '--no-trunc', '--quiet', '--json'],
    },
    { argv: ['images', 'delete', '--help'], options: ['--force', '--remote', '--storage', '--all'] },
    { argv: ['images', 'update', '--help'], options: ['--force', '--all', '--storage'] },
    { argv: ['images', 'verify', '--help'], options: ['--all', '--no-validate', '--storage', '--verbose'] },
    { argv: ['images', 'info', '--help'], options: ['--remote', '--storage'] },
    { argv: ['version', '--help'], options: ['--recurse', '--storage'] },
    { argv: ['containers', '--help'], options: ['delete', 'list', 'trim', 'update', 'rollback'] },
    {
      argv: ['containers', 'list', '--help'],
      options: ['--all', '--filter', '--json', '--noheading', '--no-trunc', '--quiet'],
    },
    { argv: ['containers', 'update', '--help'], options: ['--container', '--rebase', '--all', '--set'] },
    { argv: ['containers', 'delete', '--help'], options: ['--force', '--all', '--storage'] },
  ])('of $argv is on standard output, and names everything', async ({ argv, options }) => {
    const { stdout, stderr, exitCode } = await run(...argv);

    expect({ stderr, exitCode }).toEqual({ stderr: [], exitCode: 0 });
    for (const option of options) expect(stdout).toContain(option);
  });

  it('groups the commands, with the short spellings, and ends with examples', async () => {
    const { stdout } = await run('--help');
    const [, ...groups] = stdout.split(/^(?=\w+:$)/m);
    const shown = groups.map((group) =>
      [...group.matchAll(/^(\w+:)|^ {2}(\w+)/gm)].map(([text]) => text.trim()),
    );

    expect(shown).toEqual([
      ['Options:'],
      ['Containers:', 'containers', 'install', 'run', 'stop', 'uninstall', 'rollback', 'update'],
      ['Images:', 'images', 'pull'],
      ['Inspection:', 'mount', 'unmount', 'info', 'verify', 'version'],
      ['Examples:', 'atomic', 'atomic', 'atomic'],
    ]);
  });

  it('hides options of developers and what is never typed', async () => {
    expect((await run('--help')).stdout).not.toContain('profile');
    expect((await run('containers', '--help')).stdout).not.toContain('recover');
  });
});

describe('checks before anything is looked at', () => {
  it.each([
    { argv: ['install', '--user', 'x'], message: '--user does not work for privileged user' },
    {
      argv: ['mount', '--live', 'x', '/mnt'],
      message: 'Containers and images managed through OSTree do not support --live.',
    },
    { argv: ['mount', '--storage=zzz', 'x', '/mnt'], message: 'zzz is not a valid storage' },
    {
      argv: ['install', '--system', '--storage', 'docker', 'x'],
      message: "The --system and --user options are only available for the 'ostree' storage.",
    },
    { argv: ['install', '--storage=zzz', 'x'], message: "Unable to associate string 'zzz' with backend" },
    {
      argv: ['install', '--system', '--system-package=maybe', 'x'],
      message: "Invalid --system-package mode.  Accepted values: 'auto', 'build', 'no', 'yes'",
    },
    {
      argv: ['install', '--storage=ostree', '--set=A=B', 'x'],
      message: '--set is valid only when used with --system or --user',
    },
    { argv: ['install', '--system-package=build', 'x'], message: 'Only --system can generate rpms' },
    {
      argv: ['uninstall', '--name=x', 'y'],
      message: 'System containers do not support --name. Please use atomic uninstall NAME',
    },
    {
      argv: ['images', 'info', '--remote', '--storage=ostree', 'x'],
      message: "The --remote option cannot be used with the 'ostree' storage option.",
    },
    {
      argv: ['images', 'update', '--all', 'x'],
      message: 'Cannot specify both --all and an image name',
    },
    { argv: ['update', '-af'], message: 'Cannot specify both --all and --force' },
    { argv: ['images', 'update', '--all'], message: 'Please specify --storage' },
    {
      argv: ['images', 'update', '-f', '--storage=ostree', 'x'],
      message: '--force is not supported by ostree images',
    },
    { argv: ['update', 'x'], message: 'x not found locally.  Unable to update' },
    {
      argv: ['images', 'verify', '--all', 'x'],
      message: "Incompatible options specified.  --all doesn't support an image name",
    },
    { argv: ['verify'], message: 'Please specify the image name' },
    { argv: ['images', 'verify', '--all'], message: 'Please specify --storage' },
    {
      argv: ['verify', 'x'],
      message: "Unable to find 'x' in the following backends: ostree; see 'atomic images list'",
    },
    { argv: ['run', '--name=x', 'y'], message: '--name is not supported by this backend' },
    {
      argv: ['pull', '--storage=foo', 'y'],
      message:
        "The storage backend 'foo' is not available.  Try with an alternate storage with --storage if available.",
    },
    {
      argv: ['containers', 'list', '-f', 'foo=1'],
      message:
        "The filter foo is not valid.  Please choose from ['container', 'image', 'command', 'created', 'state', 'runtime', 'backend']",
    },
    {
      argv: ['containers', 'list', '-f', 'foo'],
      message: 'The filter foo is not formatted correctly.  It should be VAR=VALUE',
    },
    {
      argv: ['images', 'list', '-f', 'foo=1'],
      message:
        "The filter foo is not valid.  Please choose from ['repo', 'repository', 'tag', 'id', 'image', 'created', 'size', 'type', 'is_dangling']",
    },
  ])('refuses atomic $argv', async ({ argv, message }) => {
    expect(await run(...argv)).toEqual({ stdout: '', stderr: [message], exitCode: 1 });
  });
});

describe('atomic update NAME', () => {
  const directory = useDirectory();

  it('means the container of that name, and with --storage the image', async () => {
    await mkdir(join(directory, 'x.0'));
    await symlink(join(directory, 'x.0'), join(directory, 'x'));
    checkouts = directory;

    const [container, image] = [await run('update', 'x'), await run('update', '--storage', 'ostree', 'x')];

    checkouts = '/nowhere';
    expect(container.stderr[0]).toContain(`${directory}/x.0/info`);
    expect(image.stderr).toEqual(['x not found locally.  Unable to update']);
  });
});

describe('abbreviations and bundles', () => {
  it.each([
    { argv: ['containers', 'list', '--no-tr', '-aq'] },
    { argv: ['containers', 'list', '-qfstate=x'] },
    { argv: ['containers', 'list', '--filt=state=x', '--q'] },
    { argv: ['--assume', 'containers', 'list', '-q'] },
  ])('are understood in $argv', async ({ argv }) => {
    expect(await run(...argv)).toEqual({ stdout: '', stderr: [], exitCode: 0 });
  });
});

describe('the debug record', () => {
  it('comes first, and without the password', async () => {
    const { stdout } = await run('--debug', 'pull', '--storage=foo', '--src-creds=me:secret', 'x');

    expect(JSON.parse(stdout)).toMatchObject({
      command: 'atomic pull',
      arguments: ['x'],
      srcCreds: '***',
      debug: true,
    });
  });
});
