/** Reads the source files under src for the tests of how they are built. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseSync, Visitor } from 'rolldown/utils';

export interface SourceFile {
  /** Below src, such as `images/pull.ts`. */
  readonly path: string;
  readonly text: string;
}

/** The TypeScript files of src. */
export function sourceFiles(): readonly SourceFile[] {
  const root = new URL('../../../src/', import.meta.url).pathname;
  const paths = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((path) =>
    path.endsWith('.ts'),
  );
  return paths.sort().map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
}

export interface Import {
  /** Below src for a file of ours, else the name of the package. */
  readonly target: string;
  readonly isOurs: boolean;
}

/** What a file imports, in whatever way: static, re-exported, of a type only, or by import() of a constant. */
export function importsOf({ path, text }: SourceFile): readonly Import[] {
  const names: string[] = [];
  const note = (node: { readonly source?: unknown }) => {
    const { source } = node as { readonly source: { readonly value?: unknown } | null };
    if (source !== null) names.push(String(source.value));
  };
  new Visitor({
    ImportDeclaration: note,
    ExportNamedDeclaration: note,
    ExportAllDeclaration: note,
    ImportExpression: note,
    TSImportType: note,
  }).visit(parseSync(path, text).program);
  return names.map((name) =>
    name.startsWith('.')
      ? { target: join(dirname(path), name), isOurs: true }
      : { target: name, isOurs: false },
  );
}

export interface FunctionSize {
  readonly line: number;
  readonly lines: number;
}

/** Where the functions of a file begin, and how many lines each has, its body and signature counted. */
export function functionsOf({ path, text }: SourceFile): readonly FunctionSize[] {
  const sizes: FunctionSize[] = [];
  const lineAt = (offset: number) => text.slice(0, offset).split('\n').length;
  const note = ({ start, end }: { readonly start: number; readonly end: number }) => {
    sizes.push({ line: lineAt(start), lines: lineAt(end) - lineAt(start) + 1 });
  };
  new Visitor({ FunctionDeclaration: note, FunctionExpression: note, ArrowFunctionExpression: note }).visit(
    parseSync(path, text).program,
  );
  return sizes;
}

/** The nodes of a graph that can be reached from themselves. */
export function inCircles(graph: ReadonlyMap<string, readonly string[]>): readonly string[] {
  return [...graph.keys()].filter((start) => {
    const reached = new Set<string>();
    const waiting = [start];
    for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
      const next = (graph.get(node) ?? []).filter((other) => !reached.has(other));
      for (const other of next) reached.add(other);
      waiting.push(...next);
    }
    return reached.has(start);
  });
}
