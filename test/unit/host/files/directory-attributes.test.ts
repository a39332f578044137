import { lstatSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Obstacle } from '../../../../src/host/files/directory.ts';
import { setDirectoryAttributes } from '../../../../src/host/files/directory-attributes.ts';
import { useEmptyDirectory } from '../../support/directory.ts';

const root = useEmptyDirectory();

function attributesOf(path: string): string {
  const { mode, uid, gid } = lstatSync(join(root, path));
  return `${(mode & 0o7777).toString(8)} ${uid}:${gid}`;
}

describe('setDirectoryAttributes', () => {
  it('sets owner and permissions, the special bits included', () => {
    mkdirSync(join(root, 'a/b'), { recursive: true });

    setDirectoryAttributes(root, 'a/b', { uid: 5, gid: 6, mode: 0o3750 });

    expect(attributesOf('a/b')).toBe('3750 5:6');
    expect(attributesOf('a')).toBe('755 0:0');
  });

  it('sets those of the root', () => {
    setDirectoryAttributes(root, '', { uid: 0, gid: 7, mode: 0o711 });

    expect(attributesOf('')).toBe('711 0:7');
  });

  it.each(['link', 'link/inside', 'target/link'])('follows no link at %s', (path) => {
    mkdirSync(join(root, 'target/inside'), { recursive: true, mode: 0o700 });
    symlinkSync('target', join(root, 'link'));
    symlinkSync('inside', join(root, 'target/link'));

    expect(() => setDirectoryAttributes(root, path, { uid: 5, gid: 5, mode: 0o777 })).toThrow(Obstacle);

    expect([attributesOf('target'), attributesOf('target/inside')]).toEqual(['700 0:0', '700 0:0']);
  });
});
