import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const PROJECT = join(import.meta.dirname, '../../..');
const read = (path: string) => readFileSync(join(PROJECT, path), 'utf8');

/** Where programs are run, besides `src/host`. */
const ELSEWHERE = ['src/containers/placement/copy.ts'];

it('every option of a program is in the table of versions', () => {
  const table =
    read('docs/ARCHITECTURE.md')
      .split(/^## /m)
      .find((part) => part.startsWith('Programs,')) ?? '';
  const listed = new Set([...table.matchAll(/`(--[a-z-]+)`/g)].map(([, option]) => option));
  const files = readdirSync(join(PROJECT, 'src/host'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `src/host/${name}`);

  const used = [...files, ...ELSEWHERE].flatMap((file) =>
    [...read(file).matchAll(/['`](--[a-z][a-z-]*)/g)].map(([, option]) => ({ file, option })),
  );

  expect(used.length).toBeGreaterThan(80);
  expect(used.filter(({ option }) => !listed.has(option))).toEqual([]);
});
