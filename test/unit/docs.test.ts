import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { CommandUnknownOpts } from 'commander';
import { describe, expect, it } from 'vitest';
import { programOf } from '../../src/cli/words.ts';
import { parseConfig } from '../../src/config.ts';
import { FAULT_POINTS } from '../../src/faults.ts';
import { commandTree, shownChildren, shownCommands, shownOptions } from '../../src/packaging/command-tree.ts';
import { manPage } from '../../src/packaging/man-page.ts';
import { manPages } from '../../src/packaging/man-pages.ts';

const fileOf = (path: string) => new URL(`../../${path}`, import.meta.url);
const read = (path: string) => readFileSync(fileOf(path), 'utf8');
const PAGE = 'docs/atomic.1.md';
const DOCUMENTS = [
  'README.md',
  ...readdirSync(fileOf('docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

const program = commandTree();
const FACTS = { source: 'atomic 1', date: '2026-11-24' };

/** `-n, --name NAME` for every option that the help shows. */
function flagsOf(command: CommandUnknownOpts): readonly string[] {
  return shownOptions(command).map(({ flags }) => flags.replaceAll(/[<>]/g, ''));
}

/** The commands that have a section in the reference. */
function describedCommands(): readonly string[] {
  return [...read(PAGE).matchAll(/^### (atomic(?: [a-z]+)+)/gm)].map(([, name]) => name ?? '');
}

interface Shown {
  readonly name: string;
  readonly command: CommandUnknownOpts;
}

/** `atomic images info` for `atomic info`. */
function longSpelling(name: string, all: readonly Shown[]): Shown | undefined {
  const [, verb, ...rest] = name.split(' ');
  if (rest.length > 0) return undefined;
  const named = (group: string) => all.find((other) => other.name === `atomic ${group} ${verb}`);
  return named('images') ?? named('containers');
}

describe('the reference', () => {
  const shown = shownCommands(program).map((command) => ({ name: programOf(command), command }));
  const commands = shown.filter((one) => longSpelling(one.name, shown) === undefined);
  const short = shown.filter((one) => !commands.includes(one));

  it('describes every command, and no other', () => {
    expect([...describedCommands()].sort()).toEqual(commands.map(({ name }) => name).sort());
  });

  it.each(short)('names $name, which has the options of its longer spelling', ({ name, command }) => {
    expect(read(PAGE).split('### Shorter spellings')[1]).toContain(`\`${name}\``);
    const long = longSpelling(name, shown);
    expect(flagsOf(command)).toEqual(long && flagsOf(long.command));
  });

  it('names the second spelling of a command', () => {
    for (const { command } of commands)
      for (const alias of command.aliases()) expect(read(PAGE)).toContain(`\`atomic ${alias}\``);
  });
});

describe('manPages', () => {
  const reference = read(PAGE);
  const pages = manPages(program, reference, FACTS);
  const bold = (text: string) => `\\fB${text.replaceAll('-', '\\-')}\\fR\n`;

  it('makes a page for each command and each group, which the overview names', () => {
    const names = shownChildren(program).flatMap((command) => [command.name(), ...command.aliases()]);

    expect([...pages.keys()].sort()).toEqual(['atomic.1', ...names.map((name) => `atomic-${name}.1`)].sort());
    for (const command of shownChildren(program))
      expect(pages.get('atomic.1')).toContain(bold(`atomic-${command.name()}(1)`));
  });

  it.each(shownChildren(program))('describes each option of $_name once', (group) => {
    const [, ...parts] = (pages.get(`atomic-${group.name()}.1`) ?? '').split(/^\.S[SH] "(?:atomic|OPTIONS)/m);
    const described = parts.map((part) =>
      [...part.matchAll(/^\.TP\n\\fB(.*)\\fR$/gm)].map(([, term]) => term),
    );

    expect(described).toEqual(
      shownCommands(group).map((command) => flagsOf(command).map((flags) => flags.replaceAll('-', '\\-'))),
    );
  });

  it('prefers what the reference says of an option to what the help says', () => {
    const page = pages.get('atomic-install.1');

    expect(page).toContain(
      `${bold('--system')}Install a system container; root only. This is the default for root.\n`,
    );
    expect(page).toContain(`${bold('--storage STORAGE')}Where images are kept: ostree.\n`);
  });

  it.each([
    { what: 'an option that there is not', text: reference.replace('- `--set VAR', '- `--sets VAR') },
    { what: 'a command that there is not', text: reference.replace('### atomic pull', '### atomic push') },
    { what: 'no pull', text: reference.replace('### atomic pull', '### Pull') },
  ])('refuses a reference with $what', ({ text }) => {
    expect(() => manPages(program, text, FACTS)).toThrow();
  });
});

describe('the configuration', () => {
  const keysIn = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, key]) => key ?? '');
  const described = keysIn(read('docs/atomic.conf.5.md'), /^- `(\w+)`:/gm);
  const shipped = read('src/packaging/atomic.conf');

  it.each(described)('that is described has the key %s', async (key) => {
    await expect(parseConfig('f', `${key}: [1]`)).rejects.toThrow(key);
  });

  it('that is shipped sets nothing, and has all keys that are described', async () => {
    expect(await parseConfig('f', shipped)).toEqual(await parseConfig('f', ''));
    expect(keysIn(shipped, /^#(\w+):/gm)).toEqual(expect.arrayContaining(described));
  });

  it('that is shipped can be set line by line', async () => {
    const set = shipped.replaceAll(/^#(\w+:)/gm, '$1');

    await expect(parseConfig('f', set)).resolves.toMatchObject({ runtime: '/usr/bin/runc' });
  });
});

/** The command lines of a document: what begins with `atomic` in code, be it behind a prompt or a variable. */
function commandLines(document: string): readonly string[] {
  const text = read(document);
  const blocks = [...text.matchAll(/^```[\s\S]*?^```|^ {4}.*$/gm)].flatMap(([block]) => block.split('\n'));
  const spans = [...text.matchAll(/`(atomic [^`]*)`/g)].map(([, span]) => span ?? '');
  const typed = blocks.flatMap((line) => /^ *(?:[#$] )?((?:[A-Z_]+=\S+ )*atomic .*)$/.exec(line)?.[1] ?? []);
  return [...typed, ...spans].map((line) => line.replace(/^(?:[A-Z_]+=\S+ )*/, '').replaceAll('\n', ' '));
}

/** The first word of a command line that the program does not know; `undefined` when there is none. */
function unknownWord(line: string): string | undefined {
  const [, ...words] = line
    .replace(/ [|;&>].*/, '')
    .replaceAll(/[[\]]/g, '')
    .split(/\s+/);
  let command = program;
  for (const word of words) {
    const next = command.commands.find((child) => [child.name(), ...child.aliases()].includes(word));
    if (next !== undefined) command = next;
    else if (/^-{1,2}[a-z]/.test(word)) {
      const [flag] = word.split('=');
      const isKnown = command.options.some(({ long, short }) => flag === long || flag === short);
      if (!isKnown && !['-h', '--help'].includes(word)) return word;
    } else if (command.name() === 'run') return undefined;
    else if (command.commands.length > 0 && !/^[A-Z…]/.test(word)) return word;
  }
  return undefined;
}

describe('the documents', () => {
  it.each(DOCUMENTS)('name no command or option that the program does not know: %s', (document) => {
    const unknown = commandLines(document).map((line) => ({ line, word: unknownWord(line) }));

    expect(unknown.filter(({ word }) => word !== undefined)).toEqual([]);
  });
});

/** The headings of a document as links name them, as GitHub does. */
function anchors(document: string): readonly string[] {
  const headings = [...read(document).matchAll(/^#+ (.*)$/gm)].map(([, heading]) => heading ?? '');
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  );
}

describe('links', () => {
  it.each(DOCUMENTS)('lead somewhere: %s', (document) => {
    const links = [...read(document).matchAll(/\]\((?!https:)([^)]*)\)/g)].map(([, link]) => link ?? '');
    const dead = links.filter((link) => {
      const [path, anchor] = link.split('#');
      const target = path ? join(dirname(document), path) : document;
      return anchor === undefined ? !existsSync(fileOf(target)) : !anchors(target).includes(anchor);
    });

    expect(dead).toEqual([]);
  });
});

/** Files of the project that a document names, from the top of the tree or below src. */
function namedFiles(document: string): readonly string[] {
  const spans = [...read(document).matchAll(/`([a-z-]+\/[\w./-]+\.(?:ts|md))`/g)].map(
    ([, path]) => path ?? '',
  );
  const ours = spans.filter((path) => /^(?:src|test|docs|fixtures|cli|containers|images|host)\//.test(path));
  return ours.filter((path) => !path.includes('NAME'));
}

describe('names of files', () => {
  it.each(DOCUMENTS)('are those of files that exist: %s', (document) => {
    const dead = namedFiles(document).filter(
      (path) => !existsSync(fileOf(path)) && !existsSync(fileOf(`src/${path}`)),
    );

    expect(dead).toEqual([]);
  });

  it('are found in ARCHITECTURE.md', () => {
    expect(namedFiles('docs/ARCHITECTURE.md')).toContain('src/faults.ts');
  });
});

describe('names of steps', () => {
  it.each(DOCUMENTS)('in ATOMIC_TEST_FAULT are those of steps that exist: %s', (document) => {
    const named = [...read(document).matchAll(/ATOMIC_TEST_FAULT=([a-z.-]+):/g)].map(
      ([, step]) => step ?? '',
    );
    const known: readonly string[] = FAULT_POINTS;

    expect(named.filter((step) => !known.includes(step))).toEqual([]);
  });
});

describe('targets of make', () => {
  it.each(DOCUMENTS)('are those of the Makefile: %s', (document) => {
    const targets = [...read('Makefile').matchAll(/^([a-z-]+):/gm)].map(([, target]) => target);
    const named = [...read(document).matchAll(/\bmake ([a-z-]+)(?=[`\s])/g)].map(([, target]) => target);
    const inCode = named.filter((target) => read(document).includes(`\`make ${target}`));

    expect(inCode.filter((target) => !targets.includes(target))).toEqual([]);
  });
});

describe('manPage', () => {
  const body = (markdown: string) => manPage(`# a 1\n\n${markdown}`, FACTS).split('\n').slice(1, -1);

  it('begins with name, section and source', () => {
    expect(manPage('# atomic 1\n\nText', FACTS)).toBe(
      '.TH "ATOMIC" 1 2026-11-24 "atomic 1" "User Commands"\n.PP\nText\n',
    );
  });

  it.each([
    { markdown: '## NAME\n\nText', lines: ['.SH "NAME"', 'Text'] },
    { markdown: '### a "b"', lines: ['.SS "a \\(dqb\\(dq"'] },
    { markdown: 'one\ntwo\n\nthree', lines: ['.PP', 'one', 'two', '.PP', 'three'] },
    {
      markdown: 'use `a -b`, *not*\n*this one*',
      lines: ['.PP', 'use \\fBa \\-b\\fR, \\fInot\\fR', '\\fIthis one\\fR'],
    },
    {
      markdown: '- `-a, --all`: First\n  and more.\n- `b`: Second',
      lines: ['.TP', '\\fB\\-a, \\-\\-all\\fR', 'First', 'and more.', '.TP', '\\fBb\\fR', 'Second'],
    },
    { markdown: '```\n.a\n\n\\b *c*\n```', lines: ['.PP', '.EX', '\\&.a', '', '\\eb *c*', '.EE'] },
    { markdown: ".so x\n'y", lines: ['.PP', '\\&.so x', "\\&'y"] },
  ])('renders $markdown', ({ markdown, lines }) => {
    expect(body(markdown)).toEqual(lines);
  });

  it.each(['Text', '# a\n\nText', '# a 1\n\n- text'])('refuses %j', (markdown) => {
    expect(() => manPage(markdown, FACTS)).toThrow();
  });
});
