/**
 * A disk whose power can be cut: an image file on a file system that copies on write. A copy of the file is what the
 * disk holds at that instant: what was written and not yet synced is in the memory of the kernel, not in the copy.
 */
import { spawnSync } from 'node:child_process';
import { constants, rmdirSync } from 'node:fs';
import { copyFile, mkdir, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { atExit } from './at-exit.ts';
import type { BoxStorage } from './box.ts';
import { makeDirectory } from './leftovers.ts';

/** Bytes of a file system; the files are sparse, and in memory. */
const SIZE = 1024 ** 3;

export const FILE_SYSTEMS = ['ext4', 'xfs', 'btrfs'] as const;
export type FileSystem = (typeof FILE_SYSTEMS)[number];

export interface DiskOptions {
  readonly fileSystem: FileSystem;
  /** `two`: the containers lie on a file system of their own. They are on the same disk, so that a cut hits both. */
  readonly partitions: 'one' | 'two';
}

export interface Disk extends AsyncDisposable {
  /** Where a box is to write. */
  readonly storage: BoxStorage;
  /** Keeps what a power cut at this instant would leave. */
  cut(): Promise<Cut>;
}

export interface Cut extends AsyncDisposable {
  /** Mounts what was kept; the journals are replayed by that. */
  mount(): Promise<BoxStorage>;
}

/**
 * Of the file system, when it mounts: nothing is to be written by chance, only what a program asks for. An xfs with the
 * UUID of another one would be refused.
 */
const OPTIONS: Readonly<Record<FileSystem, string>> = {
  ext4: 'loop,commit=1000',
  xfs: 'loop,nouuid',
  btrfs: 'loop,commit=1000',
};

/** Makes a disk with fresh file systems; disposing of it removes every trace, its cuts included. */
export async function makeDisk(options: DiskOptions): Promise<Disk> {
  const base = await makeDirectory('disk', '/run');
  const forget = atExit(() => removeNow(base));
  try {
    const pool = await makePool(base);
    const image = join(pool, 'disk.img');
    const partitions = await format(image, options);
    const storage = await mountAt(join(base, 'disk'), image, { options, partitions });
    let count = 0;
    const cut = async () => {
      count += 1;
      const copy = join(pool, `cut-${count}.img`);
      await copyFile(image, copy, constants.COPYFILE_FICLONE_FORCE);
      return cutOf(copy, { at: join(base, `cut-${count}`), options, partitions });
    };
    const dispose = async () => {
      forget();
      await remove(base);
    };
    return { storage, cut, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    forget();
    await remove(base);
    throw error;
  }
}

/** The file system that copies on write, itself in a file in memory: a sync costs little, and wears out no disk. */
async function makePool(base: string): Promise<string> {
  await execa('mount', ['-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', base]);
  const [file, pool] = [join(base, 'pool.img'), join(base, 'pool')];
  await makeSparse(file, 8 * SIZE);
  await execa('mkfs.btrfs', ['-q', file]);
  await mkdir(pool);
  await execa('mount', ['-o', OPTIONS.btrfs, file, pool]);
  return pool;
}

async function makeSparse(path: string, size: number): Promise<void> {
  const file = await open(path, 'wx');
  await file.truncate(size);
  await file.close();
}

interface Layout {
  readonly options: DiskOptions;
  /** Where the file systems begin, in bytes. */
  readonly partitions: readonly number[];
}

async function format(image: string, { fileSystem, partitions }: DiskOptions): Promise<readonly number[]> {
  const offsets = partitions === 'one' ? [0] : [0, SIZE];
  await makeSparse(image, offsets.length * SIZE);
  for (const offset of offsets) {
    const range = [`--offset=${offset}`, `--sizelimit=${SIZE}`];
    const { stdout: device } = await execa('losetup', ['--find', '--show', ...range, image]);
    try {
      await execa(`mkfs.${fileSystem}`, ['-q', device]);
    } finally {
      await execa('losetup', ['--detach', device]);
    }
  }
  return offsets;
}

async function mountAt(base: string, image: string, { options, partitions }: Layout): Promise<BoxStorage> {
  for (const [index, offset] of partitions.entries()) {
    const place = join(base, String(index));
    await mkdir(place, { recursive: true });
    const range = `offset=${offset},sizelimit=${SIZE}`;
    await execa('mount', ['-o', `${OPTIONS[options.fileSystem]},${range}`, image, place]);
  }
  const [first, last] = [join(base, '0'), join(base, String(partitions.length - 1))];
  const storage = { root: join(first, 'root'), containers: join(last, 'containers') };
  for (const directory of [storage.root, storage.containers]) await mkdir(directory, { recursive: true });
  return storage;
}

function cutOf(copy: string, { at, ...layout }: Layout & { at: string }): Cut {
  return {
    mount: async () => await mountAt(at, copy, layout),
    [Symbol.asyncDispose]: async () => {
      for (const place of await readdir(at).catch(() => [])) await unmount(join(at, place));
      await rm(copy, { force: true });
    },
  };
}

/** A file system on a loop device of its own, which goes with the mount. */
async function unmount(path: string): Promise<void> {
  await execa('umount', ['--lazy', path], { reject: false });
}

async function remove(base: string): Promise<void> {
  await execa('umount', ['--recursive', '--lazy', base], { reject: false });
  await rm(base, { recursive: true, force: true });
}

/** For the end of a process that was interrupted, where nothing can be waited for. */
function removeNow(base: string): void {
  spawnSync('umount', ['--recursive', '--lazy', base]);
  rmdirSync(base);
}
