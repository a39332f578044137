import { chmod, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Interrupted } from '../../../../src/errors.ts';
import { removeTree, requireNoMounts } from '../../../../src/host/files/remove-tree.ts';
import { createProcesses } from '../../../../src/host/process.ts';
import { contextFor } from '../../support/context.ts';
import { useEmptyDirectory } from '../../support/directory.ts';

const host = contextFor();
const parent = useEmptyDirectory();

describe('removeTree', () => {
  it('removes a directory with all that is in it', async () => {
    await mkdir(join(parent, 'tree/a/b'), { recursive: true });
    await writeFile(join(parent, 'tree/a/-rf'), '');
    await chmod(join(parent, 'tree/a'), 0);

    await removeTree(host, join(parent, 'tree'));

    expect(await readdir(parent)).toEqual([]);
  });

  it('removes a file, a link, an empty directory, and nothing', async () => {
    await writeFile(join(parent, 'file'), '');
    await mkdir(join(parent, 'directory'));
    await symlink('nowhere', join(parent, 'link'));

    for (const name of ['file', 'directory', 'link', 'nothing', 'nothing/either'])
      await removeTree(host, join(parent, name));

    expect(await readdir(parent)).toEqual([]);
  });

  it('follows no link, be it the tree itself', async () => {
    await mkdir(join(parent, 'precious'));
    await writeFile(join(parent, 'precious/file'), '');
    await mkdir(join(parent, 'tree'));
    await symlink('../precious', join(parent, 'tree/link'));
    await symlink('precious', join(parent, 'link'));

    await removeTree(host, join(parent, 'tree'));
    await removeTree(host, join(parent, 'link'));

    expect(await readdir(parent)).toEqual(['precious']);
    expect(await readdir(join(parent, 'precious'))).toEqual(['file']);
  });

  it('removes nothing once a signal has arrived', async () => {
    await mkdir(join(parent, 'tree/a'), { recursive: true });
    const signal = AbortSignal.abort(new Interrupted('SIGTERM'));

    const removal = removeTree(
      { ...host, processes: createProcesses({ ...host, signal }) },
      join(parent, 'tree'),
    );

    await expect(removal).rejects.toThrow('interrupted by SIGTERM');
    expect(await readdir(join(parent, 'tree'))).toEqual(['a']);
  });

  it('names the path that it cannot remove', async () => {
    await expect(removeTree(host, '/proc/self/fdinfo')).rejects.toThrow(
      /^cannot remove \/proc\/self\/fdinfo: .*fdinfo/,
    );
  });
});

describe('requireNoMounts', () => {
  it('names what is mounted on a path or below it, links on the way followed', async () => {
    await symlink('/', join(parent, 'root'));

    expect(() => requireNoMounts('/proc')).toThrow('cannot remove /proc: something is mounted on /proc');
    expect(() => requireNoMounts(join(parent, 'root/proc'))).toThrow('something is mounted on /proc');
    expect(() => requireNoMounts('/')).toThrow('something is mounted on /');
  });

  it('is content with anything else', () => {
    expect(() => requireNoMounts(parent)).not.toThrow();
    expect(() => requireNoMounts(join(parent, 'nothing/at/all'))).not.toThrow();
  });
});
