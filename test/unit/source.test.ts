/** Holds the files of src to the sizes and the first line that docs/CONTRIBUTING.md asks for. */
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { functionsOf, sourceFiles } from './support/source.ts';

const MOST_LINES = 250;
const MOST_FUNCTION_LINES = 40;
const MOST_FILES = 16;

const files = sourceFiles();

describe('a source file', () => {
  it('begins with one line that says what it is for', () => {
    const without = files.filter(({ text }) => !/^\/\*\* .+ \*\/\n/.test(text));

    expect(without.map(({ path }) => path)).toEqual([]);
  });

  it(`has at most ${MOST_LINES} lines`, () => {
    const lengths = files.map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 }));

    expect(lengths.filter(({ lines }) => lines > MOST_LINES)).toEqual([]);
  });

  it(`has functions of at most ${MOST_FUNCTION_LINES} lines`, () => {
    const functions = files.flatMap((file) =>
      functionsOf(file).map(({ line, lines }) => ({ at: `${file.path}:${line}`, lines })),
    );

    expect(functions.length).toBeGreaterThan(files.length);
    expect(functions.filter(({ lines }) => lines > MOST_FUNCTION_LINES)).toEqual([]);
  });
});

it(`a directory of src has at most ${MOST_FILES} files of its own`, () => {
  const counts = new Map<string, number>();
  for (const { path } of files) counts.set(dirname(path), (counts.get(dirname(path)) ?? 0) + 1);

  expect([...counts].filter(([, count]) => count > MOST_FILES)).toEqual([]);
});

describe('functionsOf', () => {
  it('counts the lines of declarations, expressions and methods', () => {
    const text = 'function a() {\n}\nconst b = () => {\n\n};\nconst c = {\n  d() {\n\n\n  },\n};\n';

    expect(functionsOf({ path: 'a.ts', text })).toEqual([
      { line: 1, lines: 2 },
      { line: 3, lines: 3 },
      { line: 7, lines: 4 },
    ]);
  });
});
