/** Checks that the file systems of the host have space for the host files of an image. */
import { dirname } from 'node:path';
import { AtomicError, isErrno } from '../../errors.ts';
import type { Directory } from '../../host/files/directory.ts';
import { openNearest } from './host-path.ts';
import { cannotPut } from './notes.ts';

export interface Addition {
  readonly path: string;
  /** In bytes. */
  readonly size: number;
}

/** A file system: what it has to take, and the first file of that. */
interface Demand {
  readonly path: string;
  readonly free: bigint;
  readonly blockSize: bigint;
  needed: bigint;
}

/**
 * Adds up what each file system has to take.
 *
 * @throws AtomicError, naming a file, when one is read-only or has not that much space
 */
export function requireSpace(host: Directory, additions: readonly Addition[]): void {
  const demands = new Map<bigint, Demand>();
  const checked = new Map<string, bigint>();
  for (const { path, size } of additions) {
    const parent = dirname(path);
    const device = checked.get(parent) ?? check(host, path, demands);
    checked.set(parent, device);
    const demand = demands.get(device);
    if (demand === undefined) continue;
    // whole blocks, and one for the name
    demand.needed += (BigInt(size) / demand.blockSize + 2n) * demand.blockSize;
  }
  for (const { path, free, needed } of demands.values()) {
    if (needed <= free) continue;
    throw new AtomicError(`cannot put ${path} on the host: its file system is full`, {
      hint: `it has ${free} bytes, and the host files of the image need ${needed}`,
    });
  }
}

/** @returns the file system, noted in `demands`, that a file goes to */
function check(host: Directory, path: string, demands: Map<bigint, Demand>): bigint {
  using directory = openNearest(host, dirname(path));
  try {
    directory.requireWritable();
  } catch (error) {
    if (isErrno(error, 'EROFS')) throw cannotPut(path, `${directory.path} is on a read-only file system`);
    throw cannotPut(path, error);
  }
  const device = directory.stat('.')?.dev ?? 0n;
  if (!demands.has(device)) {
    const { blocks, bfree, bsize } = directory.space();
    // file systems without blocks, such as ramfs, do not know their size
    if (blocks > 0n) demands.set(device, { path, free: bfree * bsize, blockSize: bsize, needed: 0n });
  }
  return device;
}
