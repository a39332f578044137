import { chownSync, lstatSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { closeToOthers, makeDirectories } from '../../../../src/host/files/make-directories.ts';
import { useEmptyDirectory } from '../../support/directory.ts';

const directory = useEmptyDirectory();
const modeOf = (path: string) => (lstatSync(join(directory, path)).mode & 0o7777).toString(8);

describe('makeDirectories', () => {
  it('makes what is missing, whatever the umask, and gives the last one its mode', async () => {
    const before = process.umask(0o077);
    await makeDirectories(join(directory, 'a/b/c'), 0o710);
    process.umask(before);

    expect(['a', 'a/b', 'a/b/c'].map(modeOf)).toEqual(['755', '755', '710']);
  });

  it('leaves what is there as it is', async () => {
    mkdirSync(join(directory, 'a'), { mode: 0o700 });

    await makeDirectories(join(directory, 'a'), 0o755);

    expect(modeOf('a')).toBe('700');
  });
});

describe('closeToOthers', () => {
  it('closes what is ours', () => {
    mkdirSync(join(directory, 'a'), { mode: 0o755 });

    closeToOthers(join(directory, 'a'), 0);

    expect(modeOf('a')).toBe('700');
  });

  it('leaves what belongs to somebody else', () => {
    mkdirSync(join(directory, 'a'), { mode: 0o755 });
    chownSync(join(directory, 'a'), 1000, 1000);

    closeToOthers(join(directory, 'a'), 0);

    expect(modeOf('a')).toBe('755');
  });
});
