import { chmod, mkdir, readdir, readFile, readlink, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  createFile,
  exists,
  readIfPresent,
  readLinkIfPresent,
  removeIfPresent,
  replaceFile,
  replaceLink,
  syncPath,
} from '../../../../src/host/files/files.ts';
import { useEmptyDirectory } from '../../support/directory.ts';

const folder = useEmptyDirectory();

beforeEach(async () => {
  await writeFile(join(folder, 'file'), 'old');
  await mkdir(join(folder, 'folder'));
  await symlink('file', join(folder, 'link'));
  await symlink('nowhere', join(folder, 'dangling'));
  await symlink('loop', join(folder, 'loop'));
});

const BEFORE = ['dangling', 'file', 'folder', 'link', 'loop'];
const at = (name: string) => join(folder, name);
const names = async () => (await readdir(folder)).sort();
const modeOf = async (name: string) => (await stat(at(name))).mode & 0o7777;

/** Runs `body` with a mask that takes all rights from others. */
async function masked(body: () => Promise<void>): Promise<void> {
  const before = process.umask(0o077);
  try {
    await body();
  } finally {
    process.umask(before);
  }
}

describe('createFile', () => {
  it.each([
    { mode: undefined, want: 0o644 },
    { mode: 0o600, want: 0o600 },
    { mode: 0o755, want: 0o755 },
  ])('writes text with the mode $want, whatever the umask', async ({ mode, want }) => {
    await masked(async () => await createFile(at('new'), 'caf\u00e9\n', mode));

    expect(await readFile(at('new'), 'utf8')).toBe('caf\u00e9\n');
    expect(await modeOf('new')).toBe(want);
  });

  it.each(['file', 'folder', 'link', 'dangling', 'loop'])(
    'writes nothing where there is a %s',
    async (name) => {
      await expect(createFile(at(name), 'new')).rejects.toThrow('EEXIST');

      expect(await readFile(at('file'), 'utf8')).toBe('old');
      expect(await names()).toEqual(BEFORE);
    },
  );

  it('makes no folder', async () => {
    await expect(createFile(at('none/new'), 'new')).rejects.toThrow('ENOENT');
  });
});

describe('replaceFile', () => {
  it.each(['new', 'file', 'link', 'dangling', 'loop'])(
    'puts a finished file in the place of %s',
    async (name) => {
      await masked(async () => await replaceFile(at(name), 'new text'));

      expect(await readFile(at(name), 'utf8')).toBe('new text');
      expect(await modeOf(name)).toBe(0o644);
      expect(await names()).toEqual([...new Set([...BEFORE, name])].sort());
    },
  );

  it('writes through no link', async () => {
    await replaceFile(at('link'), 'new text');

    expect(await readFile(at('file'), 'utf8')).toBe('old');
  });

  it('gives the file the mode that it is told, not that of the old one', async () => {
    await chmod(at('file'), 0o777);
    await replaceFile(at('file'), 'secret', 0o600);

    expect(await modeOf('file')).toBe(0o600);
  });

  it('keeps the old file open for those who read it', async () => {
    const before = (await stat(at('file'))).ino;
    await replaceFile(at('file'), 'new text');

    expect((await stat(at('file'))).ino).not.toBe(before);
  });

  it('does not mind what a killed process left', async () => {
    await symlink('file', at('.file.tmp'));
    await replaceFile(at('file'), 'new text');

    expect(await readFile(at('file'), 'utf8')).toBe('new text');
    expect(await names()).toEqual(BEFORE);
  });

  it('leaves a folder, and nothing beside it', async () => {
    await expect(replaceFile(at('folder'), 'new text')).rejects.toThrow('EISDIR');

    expect(await names()).toEqual(BEFORE);
  });
});

describe('replaceLink', () => {
  it.each(['new', 'file', 'link', 'dangling', 'loop'])('puts a link in the place of %s', async (name) => {
    await replaceLink(at(name), '/the/target');

    expect(await readlink(at(name))).toBe('/the/target');
    expect(await names()).toEqual([...new Set([...BEFORE, name])].sort());
  });

  it('does not mind what a killed process left', async () => {
    await writeFile(at('.link.tmp'), 'half');
    await replaceLink(at('link'), '/the/target');

    expect(await readlink(at('link'))).toBe('/the/target');
    expect(await names()).toEqual(BEFORE);
  });

  it('leaves a folder, and nothing beside it', async () => {
    await expect(replaceLink(at('folder'), '/the/target')).rejects.toThrow('EISDIR');

    expect(await names()).toEqual(BEFORE);
  });
});

describe('a power cut', () => {
  /** The calls that matter, in order, as strace sees them in a process that runs `script`. */
  async function callsOf(script: string): Promise<readonly string[]> {
    const program = at('program.mts');
    const source = new URL('../../../../src/host/files/files.ts', import.meta.url).href;
    await writeFile(program, `import { createFile, replaceFile, replaceLink } from '${source}'; ${script}`);
    const log = at('calls');
    const filter = '--trace=fsync,rename,renameat,renameat2,symlink,symlinkat,unlink,unlinkat';
    const strace = ['-f', '-y', '--seccomp-bpf', '-qqq', '--signal=none', filter, '-o', log];
    await execa('strace', [...strace, 'tsx', program], { preferLocal: true });
    return (await readFile(log, 'utf8'))
      .replaceAll(folder, '.')
      .trim()
      .split('\n')
      .filter((line) => !line.includes('/tsx-'))
      .map((line) => line.replace(/^\d+ +|\d+<|>|"\.\/|"/g, '').replace(/ += 0$/, ''));
  }

  it.each([
    { name: 'a created file whole', call: ['createFile', 'new', 'x'], want: ['fsync(./new)'] },
    {
      name: 'the old file or the new',
      call: ['replaceFile', 'file', 'x'],
      want: ['fsync(./.file.tmp)', 'rename(.file.tmp, file)', 'fsync(.)'],
    },
    {
      name: 'the old link or the new',
      call: ['replaceLink', 'link', '/target'],
      want: ['symlink(/target, .link.tmp)', 'rename(.link.tmp, link)', 'fsync(.)'],
    },
  ])('finds $name', async ({ call: [verb, entry = '', argument], want }) => {
    expect(await callsOf(`await ${verb}('${at(entry)}', '${argument}')`)).toEqual(want);
  });
});

describe('syncPath', () => {
  it('wants a folder that is there', async () => {
    await syncPath(folder);
    await expect(syncPath(at('none'))).rejects.toThrow('ENOENT');
  });
});

describe('removeIfPresent', () => {
  it('removes files and links, not what they point to, and says whether there was one', async () => {
    const removed = await Promise.all(
      ['link', 'dangling', 'none'].map(async (name) => await removeIfPresent(at(name))),
    );

    expect(removed).toEqual([true, true, false]);
    expect(await names()).toEqual(['file', 'folder', 'loop']);
    expect(await removeIfPresent(at('file'))).toBe(true);
  });

  it('removes no folder', async () => {
    await expect(removeIfPresent(at('folder'))).rejects.toThrow(/EISDIR|EPERM/);
    expect(await names()).toEqual(BEFORE);
  });
});

describe('readIfPresent', () => {
  it.each([
    { name: 'file', want: 'old' },
    { name: 'link', want: 'old' },
    { name: 'dangling', want: undefined },
    { name: 'none', want: undefined },
    { name: 'none/below', want: undefined },
    { name: 'file/below', want: undefined },
  ])('of $name is $want', ({ name, want }) => {
    expect(readIfPresent(at(name))).toBe(want);
  });

  it.each([
    { name: 'folder', code: 'EISDIR' },
    { name: 'loop', code: 'ELOOP' },
  ])('of a $name fails with $code', ({ name, code }) => {
    expect(() => readIfPresent(at(name))).toThrow(code);
  });
});

describe('readLinkIfPresent', () => {
  it.each([
    { name: 'link', want: 'file' },
    { name: 'dangling', want: 'nowhere' },
    { name: 'loop', want: 'loop' },
    { name: 'file', want: undefined },
    { name: 'folder', want: undefined },
    { name: 'none', want: undefined },
    { name: 'file/below', want: undefined },
  ])('of $name is $want', ({ name, want }) => {
    expect(readLinkIfPresent(at(name))).toBe(want);
  });
});

describe('exists', () => {
  it.each([
    { name: 'file', want: true },
    { name: 'folder', want: true },
    { name: 'link', want: true },
    { name: 'dangling', want: true },
    { name: 'loop', want: true },
    { name: 'none', want: false },
    { name: 'none/below', want: false },
    { name: 'file/below', want: false },
  ])('says $want for $name', ({ name, want }) => {
    expect(exists(at(name))).toBe(want);
  });

  it('says no less than it knows', () => {
    expect(() => exists(at('loop/below'))).toThrow('ELOOP');
  });
});
