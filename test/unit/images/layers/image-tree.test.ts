import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { beforeAll, describe, expect, it } from 'vitest';
import { openImageTree } from '../../../../src/images/layers/image-tree.ts';
import type { LocalImage } from '../../../../src/images/store/images.ts';
import { contextFor } from '../../support/context.ts';
import { useDirectory } from '../../support/directory.ts';

const checkouts = useDirectory();

beforeAll(async () => {
  const repository = contextFor({ checkouts }).paths.repository;
  await mkdir(repository, { recursive: true });
  await execa('ostree', [`--repo=${repository}`, 'init', '--mode=bare']);
  await Promise.all(Object.entries(LAYERS).map(([digit, files]) => commitLayer(repository, digit, files)));
});

/** Files by path; a text that begins with `->` makes a link. */
const LAYERS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  a: {
    'etc/changed': 'old',
    'etc/kept': 'kept',
    'etc/deleted': 'gone',
    'etc/opaque/below': 'gone',
    'folder/file': 'gone',
    'becomes-folder': 'a file',
    'shadowed/by-a-file': 'gone',
    'etc/link': '->/usr/target',
    'etc/out': '->../../../../../../../../etc/kept',
    'etc/to-folder': '->opaque',
    'etc/loop': '->loop',
    'usr/target': 'behind a link',
  },
  b: {
    'etc/changed': 'new',
    'etc/.wh.deleted': '',
    'etc/opaque/.wh..wh..opq': '',
    'etc/opaque/above': 'above',
    '.wh.folder': '',
    'becomes-folder/inside': 'inside',
    shadowed: 'a file',
    'same/.wh.layer': '',
    'same/layer': 'stays',
  },
  c: { 'folder/again': 'again' },
};

async function commitLayer(
  repository: string,
  digit: string,
  files: Readonly<Record<string, string>>,
): Promise<void> {
  const tree = join(checkouts, digit);
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(tree, path)), { recursive: true });
    if (text.startsWith('->')) await symlink(text.slice(2), join(tree, path));
    else await writeFile(join(tree, path), text);
  }
  const branch = `--branch=ociimage/${digit.repeat(64)}`;
  await execa('ostree', [`--repo=${repository}`, 'commit', branch, `--tree=dir=${tree}`]);
}

const treeOf = (...digits: readonly string[]) => {
  const layers = digits.map((digit) => digit.repeat(64));
  return openImageTree(contextFor({ checkouts }), {
    layers,
    name: 'the-image:latest',
  } as unknown as LocalImage);
};

describe('openImageTree', () => {
  it.each([
    { path: 'etc/changed', want: 'new' },
    { path: '/etc/kept', want: 'kept' },
    { path: 'etc/deleted', want: undefined },
    { path: 'etc/opaque/below', want: undefined },
    { path: 'etc/opaque/above', want: 'above' },
    { path: 'etc/opaque/.wh..wh..opq', want: undefined },
    { path: 'folder/file', want: undefined },
    { path: 'folder/again', want: 'again' },
    { path: 'becomes-folder', want: undefined },
    { path: 'becomes-folder/inside', want: 'inside' },
    { path: 'shadowed', want: 'a file' },
    { path: 'shadowed/by-a-file', want: undefined },
    { path: 'same/layer', want: 'stays' },
    { path: 'etc/link', want: 'behind a link' },
    { path: 'etc/out', want: 'kept' },
    { path: 'etc/to-folder/above', want: 'above' },
    { path: 'etc', want: undefined },
    { path: 'nowhere', want: undefined },
  ])('reads $path as $want', async ({ path, want }) => {
    expect(await treeOf('a', 'b', 'c').readText(path)).toBe(want);
  });

  it('lists the files below a folder', async () => {
    expect(await treeOf('a', 'b', 'c').filesBelow('etc')).toEqual([
      'changed',
      'kept',
      'link',
      'loop',
      'opaque/above',
      'out',
      'to-folder',
    ]);
    expect(await treeOf('a').filesBelow('nowhere')).toEqual([]);
    expect(await treeOf('a').filesBelow('etc/kept')).toEqual([]);
  });

  it('gives up on a loop of links', async () => {
    await expect(treeOf('a').readText('etc/loop')).rejects.toThrow('too many levels of symbolic links');
  });

  it('refuses an image that lacks a layer', () => {
    expect(() => treeOf('a', 'd')).toThrow(
      `Layer not found: ${'d'.repeat(64)}.  Please pull the image again`,
    );
  });
});
