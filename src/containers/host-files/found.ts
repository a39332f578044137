/** Looks at what exists at a path of the host, and compares it with a record. */
import { createHash } from 'node:crypto';
import { type BigIntStats, constants, createReadStream, openSync } from 'node:fs';
import { stat as statOf } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { Directory } from '../../host/files/directory.ts';
import { type FileRecord, fingerprintOf, NO_CONTENT } from './record.ts';

const { O_NONBLOCK, O_RDONLY } = constants;

/** An entry of a directory; its content is read at most once, and only when sizes leave room for doubt. */
export interface Found {
  readonly stat: BigIntStats;
  /** See {@link fingerprintOf}; empty for what is neither file, nor link, nor directory. */
  fingerprint(): Promise<string>;
  /** Whether it is as the deployment with this record put it there, or left it there. */
  matches(record: FileRecord): Promise<boolean>;
}

/** Looks at an entry, without following it; `undefined` when there is none. The directory has to stay open. */
export function findIn(directory: Directory, name: string, signal?: AbortSignal): Found | undefined {
  const stat = directory.stat(name);
  if (stat === undefined) return undefined;
  const once = <Result>(compute: () => Promise<Result>) => {
    let result: Promise<Result> | undefined;
    return () => {
      result ??= compute();
      return result;
    };
  };
  const fingerprint = once(async () => await fingerprintAt(directory, name, stat, signal));
  const followed = once(async () => await checksumBehind(`${directory.forPrograms}/${name}`, signal));
  return {
    stat,
    fingerprint,
    async matches(record) {
      if (!isOfFiles(stat)) return false;
      if (record.kept !== undefined && (await fingerprint()) === record.kept) return true;
      if (stat.isSymbolicLink() && record.isFollowed) return (await followed()) === record.checksum;
      if (stat.isFile() && record.size !== undefined && BigInt(record.size) !== stat.size) return false;
      return (await fingerprint()) === fingerprintOf(record);
    },
  };
}

/** Devices, sockets and FIFOs are never what a container has put there. */
function isOfFiles(stat: BigIntStats): boolean {
  return stat.isFile() || stat.isSymbolicLink() || stat.isDirectory();
}

async function fingerprintAt(
  directory: Directory,
  name: string,
  stat: BigIntStats,
  signal: AbortSignal | undefined,
): Promise<string> {
  if (stat.isDirectory()) return NO_CONTENT;
  if (stat.isSymbolicLink()) return fingerprintOf({ checksum: '', link: directory.readLink(name) });
  return stat.isFile() ? await hashOf(directory.openFile(name), signal) : '';
}

/** SHA-256 of the content of a file that a path leads to, links followed; {@link NO_CONTENT} for anything else. */
export async function checksumBehind(path: string, signal?: AbortSignal): Promise<string> {
  try {
    const stat = await statOf(path);
    return stat.isFile() ? await hashOf(openSync(path, O_RDONLY | O_NONBLOCK), signal) : NO_CONTENT;
  } catch {
    signal?.throwIfAborted();
    return NO_CONTENT;
  }
}

/** Reads a file of any size once, and closes it. */
async function hashOf(fd: number, signal: AbortSignal | undefined): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream('', { fd }), hash, signal === undefined ? {} : { signal });
  return hash.digest('hex');
}
