import { chmod, lstat, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { removeExtracted } from '../../../../src/containers/mounts/copies.ts';
import { createMountDirectory, type MountDirectory } from '../../../../src/containers/mounts/record.ts';
import { contextFor } from '../../support/context.ts';
import { useEmptyDirectory } from '../../support/directory.ts';

const root = useEmptyDirectory();
const target = join(root, 'target');
let directory: MountDirectory;

/** What was put there: a file, a link, and a directory without permissions that has a file in it. */
beforeEach(async () => {
  const context = contextFor({ checkouts: join(root, 'ck'), uid: 1000 });
  directory = await createMountDirectory(context, { target, state: 'extracted' });
  await mkdir(join(target, 'etc'), { recursive: true });
  await writeFile(join(target, 'etc/passwd'), 'root');
  await writeFile(join(target, 'run.sh'), 'true');
  await symlink('run.sh', join(target, 'link'));
  await record('etc', 'etc/passwd', 'run.sh', 'link');
  await chmod(join(target, 'etc'), 0);
});

async function record(...paths: readonly string[]): Promise<void> {
  const entries = paths.map(async (path) => {
    const found = await lstat(join(target, path), { bigint: true });
    const fingerprint = `${found.ino} ${found.size} ${found.mtimeNs}`;
    return [path, found.isDirectory() ? `folder ${found.ino}` : fingerprint];
  });
  await writeFile(join(directory.path, 'files.json'), JSON.stringify(await Promise.all(entries)));
}

describe('removeExtracted', () => {
  it('removes what was put there, whatever its permissions', async () => {
    expect(removeExtracted(directory, target)).toEqual([]);
    expect(await readdir(target)).toEqual([]);
  });

  it('keeps what was changed or added, with the directories that lead to it', async () => {
    await chmod(join(target, 'etc'), 0o700);
    await writeFile(join(target, 'etc/added'), '');
    await writeFile(join(target, 'run.sh'), 'changed');

    expect([...removeExtracted(directory, target)].sort()).toEqual([
      join(target, 'etc/added'),
      join(target, 'run.sh'),
    ]);
    expect((await readdir(target, { recursive: true })).sort()).toEqual(['etc', 'etc/added', 'run.sh']);
  });

  it('removes what was not finished', async () => {
    const staging = join(target, `.atomic${basename(directory.path)}`);
    await mkdir(join(staging, 'root/usr'), { recursive: true });
    await chmod(join(staging, 'root/usr'), 0o500);

    removeExtracted(directory, target);

    expect(await readdir(target)).toEqual([]);
  });

  it('keeps everything when nobody knows what was put there', async () => {
    await writeFile(join(directory.path, 'files.json'), '{"damaged":');

    expect(removeExtracted(directory, target)).toHaveLength(3);
    expect((await readdir(target)).sort()).toEqual(['etc', 'link', 'run.sh']);
  });

  it('has nothing to do when the directory is gone', () => {
    expect(removeExtracted(directory, join(root, 'nowhere'))).toEqual([]);
  });
});
