/** Holds the imports of src to the tables of docs/ARCHITECTURE.md. */
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { importsOf, inCircles, type SourceFile, sourceFiles } from './support/source.ts';

interface Room {
  readonly name: string;
  /** The files that make it up; none for a directory with all files of its own. */
  readonly files: readonly string[];
  readonly mayImport: readonly string[];
}

const page = readFileSync(new URL('../../docs/ARCHITECTURE.md', import.meta.url), 'utf8');
const tables = page.split('\n## ').find((text) => text.startsWith('Who may import whom\n')) ?? '';
const rows = tables
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) => line.split('|').slice(1, -1));
const code = (cell = '') => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name ?? '');

const rooms: readonly Room[] = rows
  .filter((cells) => !isException(cells))
  .map(([room, , mayImport]) => {
    const [name = '', ...files] = code(room);
    return { name, files, mayImport: code(mayImport) };
  });
const exceptions = rows
  .filter(isException)
  .flatMap(([from, to]) => code(to).map((target) => ({ from: code(from)[0] ?? '', target })));

/** Rooms have names, exceptions are single files. */
function isException([first]: readonly string[]): boolean {
  return code(first)[0]?.endsWith('.ts') === true;
}

function roomOf(path: string): Room | undefined {
  const directory = dirname(path);
  const listed = rooms.find(({ files }) => files.some((file) => file === path));
  return listed ?? rooms.find(({ name, files }) => files.length === 0 && name === directory);
}

/** Why a file may not import another one; `undefined` when it may. */
function objection(from: string, to: string): string | undefined {
  const [here, there] = [roomOf(from), roomOf(to)];
  if (here === undefined) return `${from} is in no room of docs/ARCHITECTURE.md`;
  if (there === undefined) return `${to}, which ${from} imports, is in no room of docs/ARCHITECTURE.md`;
  if (here === there || covers(here, there)) return undefined;
  if (exceptions.some((exception) => exception.from === from && exception.target === to)) return undefined;
  return `${from} imports ${to}: docs/ARCHITECTURE.md does not let ${here.name} import ${there.name}`;
}

/** `host/*` stands for `host` and all rooms in it. */
function covers({ mayImport }: Room, { name }: Room): boolean {
  return mayImport.some((entry) =>
    entry.endsWith('/*') ? `${name}/`.startsWith(entry.slice(0, -1)) : entry === name,
  );
}

/** package.json, seen from src. */
const METADATA = '../package.json';

const files = sourceFiles();
const importsByFile = new Map(
  files.map((file) => [
    file.path,
    importsOf(file).flatMap(({ target, isOurs }) => (isOurs && target !== METADATA ? [target] : [])),
  ]),
);

describe('the table in docs/ARCHITECTURE.md', () => {
  it('has a room for every file, and no room without files', () => {
    const homeless = files.filter(({ path }) => roomOf(path) === undefined).map(({ path }) => path);
    const empty = rooms.filter((room) => !files.some(({ path }) => roomOf(path) === room));

    expect({ homeless, empty: empty.map(({ name }) => name) }).toEqual({ homeless: [], empty: [] });
  });

  it('names only files that exist', () => {
    const named = [...rooms.flatMap((room) => room.files), ...exceptions.flatMap(Object.values)];

    expect(named.filter((path) => !importsByFile.has(path))).toEqual([]);
  });

  it('lets no room import what imports it', () => {
    const graph = new Map(
      rooms.map((room) => [
        room.name,
        rooms.filter((other) => other !== room && covers(room, other)).map(({ name }) => name),
      ]),
    );

    expect(inCircles(graph)).toEqual([]);
  });

  it('has no exception that nothing needs', () => {
    const unused = exceptions.filter(({ from, target }) => !importsByFile.get(from)?.includes(target));

    expect(unused).toEqual([]);
  });
});

describe('imports', () => {
  it('are those that the table lists', () => {
    const found = [...importsByFile].flatMap(([from, targets]) =>
      targets.map((to) => objection(from, to)).filter((reason) => reason !== undefined),
    );

    expect(found).toEqual([]);
  });

  it('go round in no circle, types counted', () => {
    expect(inCircles(importsByFile)).toEqual([]);
  });

  it('lead to files that exist', () => {
    const missing = [...importsByFile].flatMap(([from, targets]) =>
      targets.filter((to) => !importsByFile.has(to)).map((to) => `${from} imports ${to}`),
    );

    expect(missing).toEqual([]);
  });

  it('of programs come from the one runner', () => {
    const runners = files.filter((file) =>
      importsOf(file).some(({ target }) => /^(execa|(node:)?child_process)$/.test(target)),
    );

    expect(runners.map(({ path }) => path)).toEqual(['host/process.ts']);
  });
});

describe('objection', () => {
  const file = (text: string): SourceFile => ({ path: 'host/skopeo.ts', text });

  it.each([
    "import { pull } from '../images/pull.ts';",
    "import type { Pulled } from '../images/pull.ts';",
    "import { type Pulled } from '../images/pull.ts';",
    "export { pull } from '../images/pull.ts';",
    "export * from '../images/pull.ts';",
    "const { pull } = await import('../images/pull.ts');",
    "let pulled: import('../images/pull.ts').Pulled;",
  ])('is raised against %s in host', (text) => {
    const [found] = importsOf(file(text));

    expect(objection('host/skopeo.ts', found?.target ?? '')).toBe(
      'host/skopeo.ts imports images/pull.ts: docs/ARCHITECTURE.md does not let host import images',
    );
  });

  it('is not raised against an import of the same room', () => {
    expect(objection('host/skopeo.ts', 'host/process.ts')).toBeUndefined();
  });
});
