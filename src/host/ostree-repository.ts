/**
 * Reading an OSTree repository in this process, synchronously, since a listing reads hundreds of small files; it is
 * never written here, and need not exist.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AtomicError, isErrno } from '../errors.ts';
import { type GValue, parseGVariant } from './gvariant.ts';

/** What we use of a commit object. */
export interface Commit {
  /** The text values of its metadata; values of other types are left out. */
  readonly metadata: ReadonlyMap<string, string>;
  /** Time of the commit. */
  readonly created: Date;
  /** Checksum of the root folder's dirtree object. */
  readonly tree: string;
}

/** ostree_repo_write_commit_with_time() and ostree-core.h: metadata, parent, related, subject, body, time, tree, meta. */
const COMMIT = '(a{sv}aya(say)sstayay)';
/** ostree-core.h, OSTREE_TREE_GVARIANT_FORMAT: the files, then the folders with their two checksums. */
const DIRTREE = '(a(say)a(sayay))';

/** Whether there is a repository at `repository`. */
export function isRepository(repository: string): boolean {
  return readdirIfPresent(repository).includes('config');
}

/** The names of the refs in the folder `refs/heads/FOLDER`, without the folder; none without repository. */
export function listRefs(repository: string, folder: string): readonly string[] {
  return readdirIfPresent(join(repository, 'refs/heads', folder)).sort();
}

/** The checksum that a ref such as `ociimage/busybox_3Alatest` holds, or `undefined` when there is no such ref. */
export function resolveRef(repository: string, ref: string): string | undefined {
  const path = join(repository, 'refs/heads', ref);
  try {
    const checksum = readFileSync(path, 'utf8').trim();
    if (!/^[0-9a-f]{64}$/.test(checksum)) throw damaged(path);
    return checksum;
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR', 'EISDIR', 'ENAMETOOLONG')) return undefined;
    throw error;
  }
}

/**
 * Reads the commit object of that checksum.
 *
 * @throws AtomicError, with the path of the object, when it is missing or damaged
 */
export function readCommit(repository: string, checksum: string): Commit {
  const path = objectPath(repository, checksum, 'commit');
  return parseCommit(readObject(path), path);
}

/** Parses a commit object; `path` is for messages. See {@link readCommit}. */
export function parseCommit(bytes: Uint8Array, path: string): Commit {
  const [entries, , , , , seconds, tree] = membersOf(bytes, COMMIT, path);
  if (!(tree instanceof Uint8Array) || tree.length !== 32) throw damaged(path);
  const metadata = (entries as readonly (readonly [string, GValue])[]).filter(isText);
  // the time is stored big-endian, whatever the machine
  const created = new Date(Number(swapBytes(seconds as bigint)) * 1000);
  if (Number.isNaN(created.getTime())) throw damaged(path);
  return { metadata: new Map(metadata), created, tree: Buffer.from(tree).toString('hex') };
}

function isText(entry: readonly [string, GValue]): entry is [string, string] {
  return typeof entry[1] === 'string';
}

function swapBytes(value: bigint): bigint {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes.readBigUInt64BE();
}

/**
 * Reads a regular file of the root folder of a commit.
 *
 * @throws AtomicError when there is no such file, or an object on the way is missing or damaged
 */
export function readRootFile(repository: string, commit: Commit, name: string): Buffer {
  const checksum = readFolder(repository, commit.tree).files.get(name);
  if (checksum === undefined) {
    const path = objectPath(repository, commit.tree, 'dirtree');
    throw new AtomicError(`${path} is damaged: it has no file '${name}'`);
  }
  return readObject(objectPath(repository, checksum, 'file'));
}

/** A folder of a commit: checksums by name, of files and links, and of the dirtree objects of folders. */
export interface Folder {
  readonly files: ReadonlyMap<string, string>;
  readonly folders: ReadonlyMap<string, string>;
}

/**
 * Reads a dirtree object.
 *
 * @throws AtomicError when it is missing or damaged, or has names that are no names of files
 */
export function readFolder(repository: string, checksum: string): Folder {
  const path = objectPath(repository, checksum, 'dirtree');
  const [files, folders] = membersOf(readObject(path), DIRTREE, path) as readonly Entries[];
  return { files: checksumsByName(files, path), folders: checksumsByName(folders, path) };
}

type Entries = readonly (readonly [string, Uint8Array, ...GValue[]])[];

function checksumsByName(entries: Entries = [], path: string): ReadonlyMap<string, string> {
  return new Map(
    entries.map(([name, checksum]) => {
      if (['', '.', '..'].includes(name) || name.includes('/')) throw damaged(path);
      return [name, Buffer.from(checksum).toString('hex')];
    }),
  );
}

function membersOf(bytes: Uint8Array, signature: string, path: string): readonly GValue[] {
  try {
    return parseGVariant(bytes, signature) as readonly GValue[];
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError) throw damaged(path, error);
    throw error;
  }
}

function objectPath(repository: string, checksum: string, kind: 'commit' | 'dirtree' | 'file'): string {
  return join(repository, 'objects', checksum.slice(0, 2), `${checksum.slice(2)}.${kind}`);
}

function readObject(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) throw damaged(path, error, 'is missing');
    throw error;
  }
}

function damaged(path: string, cause?: unknown, how = 'is damaged'): AtomicError {
  return new AtomicError(`${path} ${how}`, { hint: 'pull the image again', cause });
}

function readdirIfPresent(path: string): string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  }
}
