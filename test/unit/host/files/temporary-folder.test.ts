import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder, temporaryFoldersInUse } from '../../../../src/host/files/temporary-folder.ts';
import { processName } from '../../../../src/host/process-name.ts';
import { contextFor } from '../../support/context.ts';
import { useEmptyDirectory } from '../../support/directory.ts';

const parent = useEmptyDirectory();
const host = contextFor();

/** The id of a process that has ended. */
async function deadProcess(): Promise<number> {
  const child = spawn('true');
  await once(child, 'exit');
  return child.pid ?? expect.fail('not started');
}

describe('temporaryFolder', () => {
  it('is hidden, empty, ours alone, and gone afterwards with all it holds', async () => {
    let path = '';
    {
      await using folder = await temporaryFolder(host, parent, 'pull');
      path = folder.path;
      expect(dirname(path)).toBe(parent);
      expect(basename(path)).toMatch(new RegExp(`^\\.pull-${processName()}-\\w{6}$`));
      expect((await stat(path)).mode & 0o777).toBe(0o700);
      expect(await readdir(path)).toEqual([]);
      await mkdir(join(path, 'a/b'), { recursive: true });
      await writeFile(join(path, 'a/b/file'), '');
      await chmod(join(path, 'a/b/file'), 0);
    }

    expect(await readdir(parent)).toEqual([]);
  });

  it('is gone when the work in it fails', async () => {
    const work = async () => {
      await using _folder = await temporaryFolder(host, parent, 'pull');
      throw new Error('failed');
    };

    await expect(work()).rejects.toThrow('failed');
    expect(await readdir(parent)).toEqual([]);
  });

  it('may be gone before', async () => {
    await using folder = await temporaryFolder(host, parent, 'pull');
    await rm(folder.path, { recursive: true });
  });

  it('makes the parent', async () => {
    await using folder = await temporaryFolder(host, join(parent, 'a/b'), 'pull');

    expect(await readdir(join(parent, 'a/b'))).toEqual([basename(folder.path)]);
  });

  it('is another one each time', async () => {
    await using one = await temporaryFolder(host, parent, 'pull');
    await using other = await temporaryFolder(host, parent, 'pull');

    expect((await readdir(parent)).sort()).toEqual([basename(one.path), basename(other.path)].sort());
  });

  it('removes what processes that are no more left for the same purpose, and nothing else', async () => {
    const dead = `${await deadProcess()}-01234567`;
    // the id of a process that is gone is given again, to us or to a daemon that is started at the next boot
    const reused = [`${process.pid}-01234567`, '1-01234567'];
    const left = [dead, ...reused].flatMap((owner) => [`.pull-${owner}-abcdef`, `.pull-${owner}-GHI012`]);
    const kept = [
      `.pull-${processName()}-abcdef`,
      `.mount-${dead}-abcdef`,
      `pull-${dead}-abcdef`,
      `.pull-${dead}`,
      `.pull-${dead}-`,
      // hidden entries of a container called `pull-1-01234567-x`
      `.pull-${dead}-x.pending`,
      `.pull-${dead}-abcdef.0.old`,
      `x.pull-${dead}-a`,
      '.pull-x-a',
      '.pull--a',
      '.pull-1-abcdef',
    ];
    for (const name of [...left, ...kept]) await mkdir(join(parent, name, 'content'), { recursive: true });
    await writeFile(join(parent, `.pull-${dead}-a_file`), '');
    await writeFile(join(parent, `.pull-${dead}-afile1`), '');

    await using folder = await temporaryFolder(host, parent, 'pull');

    expect((await readdir(parent)).sort()).toEqual(
      [...kept, `.pull-${dead}-a_file`, `.pull-${dead}-afile1`, basename(folder.path)].sort(),
    );
  });
});

describe('temporaryFoldersInUse', () => {
  it('are those of processes that run', async () => {
    await mkdir(join(parent, '.pull-1-01234567-abcdef'));
    await using folder = await temporaryFolder(host, parent, 'pull');

    expect(temporaryFoldersInUse(parent, 'pull')).toEqual([folder.path]);
    expect(temporaryFoldersInUse(join(parent, 'nowhere'), 'pull')).toEqual([]);
  });
});
