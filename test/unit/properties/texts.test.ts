/** Names, templates, units and command lines that others wrote: only errors of ours, and nothing gets out of its place. */
import type { CommandUnknownOpts } from 'commander';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runCommandLine } from '../../../src/cli/argparse.ts';
import { isContainerName, parseContainerName } from '../../../src/containers/deployments/name.ts';
import { bindSources } from '../../../src/containers/rendering/oci-config.ts';
import { renderTemplate, variablesOf } from '../../../src/containers/rendering/template.ts';
import { generateTmpfiles } from '../../../src/containers/rendering/tmpfiles.ts';
import { completeUnit, installSectionOf } from '../../../src/containers/rendering/unit.ts';
import { parseIdRanges } from '../../../src/containers/rendering/user-ids.ts';
import { parseSet } from '../../../src/containers/rendering/values.ts';
import { parseMount } from '../../../src/host/mount.ts';
import { parseUnitState } from '../../../src/host/systemd.ts';
import { fullName, parseReference, recordedName, shownName } from '../../../src/images/names/reference.ts';
import { decodeRef, encodeRef, refOf } from '../../../src/images/names/refs.ts';
import { commandTree } from '../../../src/packaging/command-tree.ts';
import { anyText, holds, LIMIT, orOwnError } from '../support/properties.ts';

describe('a name', () => {
  it('of an image is taken apart, or refused; its ref is one path component', {
    timeout: LIMIT,
  }, async () => {
    await holds(anyText('/:@.-oci:docker:sha256[]'), async (text) => {
      const reference = await orOwnError(() => parseReference(text));
      expect(shownName(text)).toBeTypeOf('string');
      if (reference === undefined || reference.transport !== 'registry') return;
      const ref = refOf(reference).slice('ociimage/'.length);
      expect(ref).not.toMatch(/[/\0]|^\.{0,2}$/);
      expect(decodeRef(ref)).toBe(fullName(reference));
      // as it is recorded: the bare name of an image called `oci` would be one with a transport
      const recorded = recordedName({ ...reference, name: fullName(reference) });
      expect(fullName(parseReference(recorded))).toBe(fullName(reference));
    });
  });

  it('is spelled as a ref that no other name has', { timeout: LIMIT }, async () => {
    const names = fc.tuple(anyText('/:@._-'), anyText('/:@._-'));
    await holds(names, ([one, other]) => {
      expect(encodeRef(one) === encodeRef(other)).toBe(one === other);
    });
  });

  it('of a container is safe in paths, units and arguments, or refused', { timeout: LIMIT }, async () => {
    await holds(anyText('._@-/%\'" '), async (text) => {
      const name = await orOwnError(() => parseContainerName(text));
      expect(name !== undefined).toBe(isContainerName(text));
      if (name !== undefined) expect(name).toMatch(/^[A-Za-z0-9][A-Za-z0-9_.@-]*$/);
    });
  });
});

describe('a template', () => {
  it('is rendered, or refused, and never runs anything', { timeout: LIMIT }, async () => {
    await holds(anyText('$${}#>^&!NAME'), async (text) => {
      const template = { file: 'x', text };
      const values = { NAME: '{{NAME}} $NAME' };
      const rendered = await orOwnError(() => renderTemplate(template, values));
      if (rendered === undefined) return;
      const names = await orOwnError(() => variablesOf(template));
      if (names?.length === 0) expect(rendered).toBe(text.replaceAll('$$', '$'));
    });
  });

  it('with all dollar signs doubled is what it was', { timeout: LIMIT }, async () => {
    await holds(anyText('$${}#NAME'), (text) => {
      expect(renderTemplate({ file: 'x', text: text.replaceAll('$', '$$$$') }, {})).toBe(text);
    });
  });

  it('gets values in which no new line can begin', { timeout: LIMIT }, async () => {
    await holds(fc.array(anyText('=ABC'), { maxLength: 3 }), async (assignments) => {
      const values = await orOwnError(() => parseSet(assignments));
      for (const value of Object.values(values ?? {})) expect(value).not.toMatch(/[\n\r\0]/);
    });
  });
});

describe('a unit', () => {
  it('keeps every line that it had', { timeout: LIMIT }, async () => {
    const line = fc.oneof(
      fc.constantFrom(
        '[Service]',
        '[Install]',
        ' [Service] ',
        'ExecStart=/x',
        'WantedBy=a.target',
        '# x',
        '\\',
        '',
      ),
      anyText('=[]#;\\'),
    );
    await holds(fc.array(line, { maxLength: 12 }), (lines) => {
      const unit = lines.join('\n');
      const completed = completeUnit(unit, { name: 'c', runtime: '/usr/bin/runc' }).split('\n');
      expect(installSectionOf(unit)).toBeTypeOf('string');
      let at = 0;
      for (const one of unit.split('\n')) {
        at = completed.indexOf(one, at) + 1;
        expect(at).toBeGreaterThan(0);
      }
    });
  });
});

describe('the sources of bind mounts', () => {
  it('become one line each of a tmpfiles.d file, or are refused', { timeout: LIMIT }, async () => {
    const user = { uid: 0, gid: 0, home: '/root', isRoot: true };
    const source = anyText('/% "\'\\').map((text) => `/nowhere/${text}`);
    await holds(fc.array(source, { maxLength: 4 }), async (sources) => {
      const mounts = sources.map((one) => ({ type: 'bind', source: one }));
      const accepted = await orOwnError(() => bindSources({ mounts }, 'config.json'));
      if (accepted === undefined) return;
      const text = generateTmpfiles(accepted, { user, ownDirectory: '/run/c' }) ?? '';
      const lines = text.split('\n').filter((line) => line !== '');
      expect(lines.length).toBe(new Set(sources).size);
      for (const line of lines) expect(line).toMatch(/^d {4}.* {3}0700 0 0 - -$/);
    });
  });
});

describe('what the host says', () => {
  it('is read, whatever it is', { timeout: LIMIT }, async () => {
    await holds(anyText('=- /\\040\n:'), async (text) => {
      expect(parseMount(text).point).toBeTypeOf('string');
      expect(parseUnitState(text).active).toBeTypeOf('string');
      for (const range of (await orOwnError(() => parseIdRanges(text, { name: 'a', uid: 0 }))) ?? []) {
        expect(range.start >= 0).toBe(true);
      }
    });
  });
});

describe('a command line', () => {
  const word = fc.oneof(
    fc.constantFrom(
      ...['install', 'images', 'containers', 'list', 'run', 'uninstall', 'pull', 'delete', 'update', 'mount'],
      ...[
        '--system',
        '--set',
        '--set=A=B',
        '-n',
        '-n x',
        '--name',
        '--',
        '-aq',
        '--no-tr',
        '-f',
        '-y',
        '--debug',
        '',
        '-',
      ],
    ),
    anyText('-= '),
  );

  it('is understood, or refused with a usage error', { timeout: LIMIT }, async () => {
    await holds(fc.array(word, { maxLength: 7 }), async (argv) => {
      await orOwnError(async () => await runCommandLine(withoutActions(commandTree()), argv));
    });
  });

  it('means the same to the commands that it names as to all', { timeout: LIMIT }, async () => {
    const outcomeOf = async (program: CommandUnknownOpts, argv: readonly string[]) =>
      await runCommandLine(withoutActions(program), argv).catch((error: Error) => error.message);
    const verb = fc.constantFrom(
      'containers',
      'images',
      'install',
      'run',
      'pull',
      'rollback',
      '--version',
      '-h',
    );
    await holds(fc.tuple(verb, fc.array(word, { maxLength: 5 })), async ([first, rest]) => {
      const argv = [first, ...rest];
      const [some, all] = [commandTree(argv), commandTree()];
      expect(await outcomeOf(some, argv)).toEqual(await outcomeOf(all, argv));
    });
  });
});

/** The same commands, which understand their words and do nothing. */
function withoutActions(command: CommandUnknownOpts): CommandUnknownOpts {
  if (command.commands.length === 0) command.action(() => undefined);
  for (const child of command.commands) withoutActions(child);
  return command;
}
