import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { pathInside } from '../../../../src/host/files/path-inside.ts';
import { useDirectory } from '../../support/directory.ts';

const root = useDirectory();

beforeAll(async () => {
  await mkdir(join(root, 'a/b'), { recursive: true });
  await mkdir(join(root, 'etc'));
  await writeFile(join(root, 'a/b/file'), '');
  await writeFile(join(root, 'etc/passwd'), '');
  const links = {
    absolute: '/etc/passwd',
    up: '../../../../etc/passwd',
    'a/relative': 'b/file',
    'a/folder': '/a/b',
    chain: 'absolute',
    loop: 'loop',
    dangling: '/nothing',
  };
  for (const [name, target] of Object.entries(links)) await symlink(target, join(root, name));
});

describe('pathInside', () => {
  it.each([
    { path: 'a/b/file', want: 'a/b/file' },
    { path: '/a//b/./file', want: 'a/b/file' },
    { path: 'absolute', want: 'etc/passwd' },
    { path: 'up', want: 'etc/passwd' },
    { path: 'chain', want: 'etc/passwd' },
    { path: 'a/relative', want: 'a/b/file' },
    { path: 'a/folder/file', want: 'a/b/file' },
    { path: '../../etc/passwd', want: 'etc/passwd' },
    { path: '..', want: '' },
  ])('follows $path to $want below the root', async ({ path, want }) => {
    expect(await pathInside(root, path)).toBe(
      join(root, want, '/').replace(/\/$/, '') + (want === '' ? '/' : ''),
    );
  });

  it.each(['none', 'dangling', 'a/b/file/below', 'none/below'])('finds nothing behind %s', async (path) => {
    expect(await pathInside(root, path)).toBeUndefined();
  });

  it('gives up on a loop', async () => {
    await expect(pathInside(root, 'loop')).rejects.toThrow('too many levels of symbolic links');
  });
});
