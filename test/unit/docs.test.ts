import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import type { CommandUnknownOpts } from 'commander';
import { describe, expect, it } from 'vitest';
import { manPage } from '../../docs/man-page.ts';
import { createProgram } from '../../src/cli/program.ts';
import { programOf } from '../../src/cli/words.ts';
import { FAULT_POINTS } from '../../src/faults.ts';

const fileOf = (path: string) => new URL(`../../${path}`, import.meta.url);
const read = (path: string) => readFileSync(fileOf(path), 'utf8');
const PAGE = 'docs/atomic.1.md';
const DOCUMENTS = [
  'README.md',
  ...readdirSync(fileOf('docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

const user = { uid: 0, gid: 0, home: '/root', isRoot: true };
const { signal } = new AbortController();
const program = createProgram({
  output: {
    line: () => undefined,
    write: () => undefined,
    warn: () => undefined,
    stderrIsTty: false,
    stdoutIsTty: false,
  },
  input: () => Readable.from([]),
  surroundings: { env: {}, user, cwd: () => '/', program: '/atomic', signal, ignoresSignals: false },
  stdinIsTty: false,
});

/** The commands of the program that its help shows, without the groups. */
function shownCommands(command: CommandUnknownOpts): readonly CommandUnknownOpts[] {
  if (command.commands.length === 0) return [command];
  const shown = command.createHelp().visibleCommands(command);
  return command.commands.filter((child) => shown.includes(child)).flatMap(shownCommands);
}

/** `-n, --name NAME` for every option that the help shows. */
function shownOptions(command: CommandUnknownOpts): readonly string[] {
  const options = command.createHelp().visibleOptions(command);
  return options.map(({ flags }) => flags.replaceAll(/[<>]/g, '')).sort();
}

/** The items of each section of the manual page, by its heading. */
function sections(): ReadonlyMap<string, readonly string[]> {
  const [, ...texts] = read(PAGE).split(/^##+ /m);
  return new Map(
    texts.map((text) => {
      const heading = text.split('\n')[0] ?? '';
      const name = /^atomic(?: [a-z]+)+/.exec(heading)?.[0] ?? heading;
      return [name, [...text.matchAll(/^- `([^`]+)`:/gm)].map(([, term]) => term ?? '').sort()];
    }),
  );
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

describe('the manual page', () => {
  const described = sections();
  const shown = shownCommands(program).map((command) => ({ name: programOf(command), command }));
  const commands = shown.filter((one) => longSpelling(one.name, shown) === undefined);
  const short = shown.filter((one) => !commands.includes(one));

  it('describes every command, and no other', () => {
    const headings = [...described.keys()].filter((heading) => heading.startsWith('atomic '));

    expect(headings.sort()).toEqual(commands.map(({ name }) => name).sort());
  });

  it.each(commands)('describes the options of $name, and no other', ({ name, command }) => {
    expect(described.get(name)).toEqual(shownOptions(command).filter((flags) => flags !== '-h, --help'));
  });

  it.each(short)('names $name, which has the options of its longer spelling', ({ name, command }) => {
    expect(read(PAGE).split('### Shorter spellings')[1]).toContain(`\`${name}\``);
    const long = longSpelling(name, shown);
    expect(shownOptions(command)).toEqual(long && shownOptions(long.command));
  });

  it('describes the global options, and no other', () => {
    expect(described.get('GLOBAL OPTIONS')).toEqual(shownOptions(program));
  });

  it('names the second spelling of a command', () => {
    for (const { command } of commands)
      for (const alias of command.aliases()) expect(read(PAGE)).toContain(`\`atomic ${alias}\``);
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
  const body = (markdown: string) =>
    manPage(`# a 1\n\n${markdown}`, { source: 's 1' }).split('\n').slice(1, -1);

  it('begins with name, section and source', () => {
    expect(manPage('# atomic 1\n\nText', { source: 'atomic 1.2' })).toBe(
      '.TH "ATOMIC" 1 "" "atomic 1.2" "User Commands"\n.PP\nText\n',
    );
  });

  it.each([
    { markdown: '## NAME', lines: ['.SH "NAME"'] },
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
    expect(() => manPage(markdown, { source: 's' })).toThrow();
  });
});
