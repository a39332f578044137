/** Reads an OSTree repository in this process, synchronously, for speed; it need not exist. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inflateRawSync } from 'node:zlib';
import { AtomicError, isErrno } from '../../errors.ts';
import { readLinkIfPresent } from '../files/files.ts';
import { type GValue, parseGVariant } from './gvariant.ts';

/** What we use of a commit object. */
export interface Commit {
  /** The text values of its metadata; values of other types are left out. */
  readonly metadata: ReadonlyMap<string, string>;
  /** Time of the commit. */
  readonly created: Date;
  /** Checksums of the objects of the root folder: dirtree and dirmeta. */
  readonly tree: string;
  readonly meta: string;
}

/** ostree_repo_write_commit_with_time() and ostree-core.h: metadata, parent, related, subject, body, time, tree, meta. */
const COMMIT = '(a{sv}aya(say)sstayay)';
/** ostree-core.h, OSTREE_TREE_GVARIANT_FORMAT: the files, then the folders with their two checksums. */
const DIRTREE = '(a(say)a(sayay))';
/** ostree-core.h, OSTREE_DIRMETA_GVARIANT_FORMAT: user, group and mode, big-endian, and the extended attributes. */
const DIRMETA = '(uuua(ayay))';

/**
 * Reads the commit object of that checksum.
 *
 * @throws AtomicError, with the path of the object, when it is missing or damaged
 */
export function readCommit(repository: string, checksum: string): Commit {
  const path = objectPath(repository, checksum, 'commit');
  return parseCommit(readObject(repository, checksum, 'commit'), path);
}

/** Parses a commit object; `path` is for messages. See {@link readCommit}. */
export function parseCommit(bytes: Uint8Array, path: string): Commit {
  const [entries, , , , , seconds, tree, meta] = membersOf(bytes, COMMIT, path);
  if (!isChecksum(tree) || !isChecksum(meta)) throw damaged(path);
  const metadata = (entries as readonly (readonly [string, GValue])[]).filter(isText);
  // the time is stored big-endian, whatever the machine
  const created = new Date(Number(swapBytes(seconds as bigint)) * 1000);
  if (Number.isNaN(created.getTime())) throw damaged(path);
  return { metadata: new Map(metadata), created, tree: hex(tree), meta: hex(meta) };
}

function isChecksum(value: GValue | undefined): value is Uint8Array {
  return value instanceof Uint8Array && value.length === 32;
}

function isText(entry: readonly [string, GValue]): entry is [string, string] {
  return typeof entry[1] === 'string';
}

function swapBytes(value: bigint): bigint {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes.readBigUInt64BE();
}

/** A folder of a commit: what it holds, by name. */
export interface Folder {
  /** Checksums of the objects of files and symbolic links. */
  readonly files: ReadonlyMap<string, string>;
  readonly folders: ReadonlyMap<string, FolderObjects>;
}

/** The checksums of the two objects of a folder: what it holds, and its owner, mode and attributes. */
export interface FolderObjects {
  readonly tree: string;
  readonly meta: string;
}

/**
 * Reads a dirtree object.
 *
 * @throws AtomicError, with the path of the object, when it is missing or damaged
 */
export function readFolder(repository: string, tree: string): Folder {
  const path = objectPath(repository, tree, 'dirtree');
  const [files, folders] = membersOf(readObject(repository, tree, 'dirtree'), DIRTREE, path) as readonly [
    readonly (readonly [string, Uint8Array])[],
    readonly (readonly [string, Uint8Array, Uint8Array])[],
  ];
  return {
    files: new Map(files.map(([name, checksum]) => [safeName(name, path), hex(checksum)])),
    folders: new Map(
      folders.map(([name, content, meta]) => [safeName(name, path), { tree: hex(content), meta: hex(meta) }]),
    ),
  };
}

/** ostree(1) refuses such names as well (ot_util_filename_validate()). */
function safeName(name: string, path: string): string {
  if (name === '' || name === '.' || name === '..' || /[/\0]/.test(name)) throw damaged(path);
  return name;
}

/** Owner, permissions and extended attributes of a folder. */
export interface FolderAttributes {
  readonly uid: number;
  readonly gid: number;
  /** Without the bits for the kind of file. */
  readonly mode: number;
  /** All but the label of SELinux, which is a matter of the path; equal texts are equal attributes. */
  readonly xattrs: string;
}

/**
 * Reads a dirmeta object.
 *
 * @throws AtomicError, with the path of the object, when it is missing or damaged
 */
export function readAttributes(repository: string, meta: string): FolderAttributes {
  const path = objectPath(repository, meta, 'dirmeta');
  const [uid, gid, mode, xattrs] = membersOf(readObject(repository, meta, 'dirmeta'), DIRMETA, path) as [
    number,
    number,
    number,
    readonly (readonly [Uint8Array, Uint8Array])[],
  ];
  return {
    uid: swapBytes32(uid),
    gid: swapBytes32(gid),
    mode: swapBytes32(mode) & 0o7777,
    xattrs: xattrs
      .map(([name, value]) => `${Buffer.from(name).toString()}=${hex(value)}`)
      .filter((xattr) => !xattr.startsWith('security.selinux\0='))
      .join(' '),
  };
}

function swapBytes32(value: number): number {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes.readUInt32BE();
}

function hex(checksum: Uint8Array): string {
  return Buffer.from(checksum).toString('hex');
}

/**
 * Reads a regular file of the root folder of a commit.
 *
 * @throws AtomicError when there is no such file, or an object on the way is missing or damaged
 */
export function readRootFile(repository: string, commit: Commit, name: string): Buffer {
  const checksum = readFolder(repository, commit.tree).files.get(name);
  if (checksum !== undefined) return readFileObject(repository, checksum);
  const path = objectPath(repository, commit.tree, 'dirtree');
  throw new AtomicError(`${path} is damaged: it has no file '${name}'`);
}

/** Reads the content of a regular file by the checksum of its object. */
export function readFileObject(repository: string, checksum: string): Buffer {
  return readObject(repository, checksum, 'file');
}

/**
 * The text of a symbolic link by the checksum of its object, `undefined` for a regular file. Only repositories of
 * root tell the two apart: in those of ordinary users, a link is a regular file with that text.
 */
export function readLinkObject(repository: string, checksum: string): string | undefined {
  return readLinkIfPresent(objectPath(repository, checksum, 'file'));
}

function membersOf(bytes: Uint8Array, signature: string, path: string): readonly GValue[] {
  try {
    return parseGVariant(bytes, signature) as readonly GValue[];
  } catch (error) {
    if (error instanceof RangeError) throw damaged(path, error);
    throw error;
  }
}

/** What an object is; all but `file` are metadata, whose checksums are those of their bytes. */
export type ObjectKind = 'commit' | 'dirtree' | 'dirmeta' | 'file';

/** Where an object lies. */
export function objectPath(repository: string, checksum: string, kind: ObjectKind): string {
  return join(repository, 'objects', checksum.slice(0, 2), `${checksum.slice(2)}.${kind}`);
}

/** What is wrong with a metadata object, `undefined` when it is what its checksum says. */
export function damageOf(
  repository: string,
  checksum: string,
  kind: Exclude<ObjectKind, 'file'>,
): 'missing' | 'damaged' | undefined {
  const path = objectPath(repository, checksum, kind);
  if (!existsSync(path)) return 'missing';
  const found = createHash('sha256').update(readFileSync(path)).digest('hex');
  return found === checksum ? undefined : 'damaged';
}

function readObject(repository: string, checksum: string, kind: ObjectKind): Buffer {
  const path = objectPath(repository, checksum, kind);
  const bytes = readBytes(path) ?? readElsewhere(repository, checksum, kind);
  if (bytes === undefined) throw damaged(path, undefined, 'is missing');
  return bytes;
}

/** A repository may keep its files compressed (mode `archive`), and be based on another one (ostree.repo-config(5)). */
function readElsewhere(repository: string, checksum: string, kind: ObjectKind): Buffer | undefined {
  const packed = kind === 'file' ? readBytes(`${objectPath(repository, checksum, kind)}z`) : undefined;
  if (packed !== undefined) return unpacked(packed, `${objectPath(repository, checksum, kind)}z`);
  const config = readBytes(join(repository, 'config'))?.toString() ?? '';
  const parent = /^\s*parent\s*=\s*(.+?)\s*$/m.exec(config)?.[1];
  return parent === undefined ? undefined : readBytes(objectPath(parent, checksum, kind));
}

/** ostree-core.c, ostree_raw_file_to_archive_z2_stream(): a header after its size, in 8 bytes, then raw deflate. */
function unpacked(bytes: Buffer, path: string): Buffer {
  try {
    return inflateRawSync(bytes.subarray(8 + bytes.readUInt32BE(0)));
  } catch (error) {
    throw damaged(path, error);
  }
}

function readBytes(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** The error for a file of the repository that is not what it should be. */
export function damaged(path: string, cause?: unknown, how = 'is damaged'): AtomicError {
  return new AtomicError(`${path} ${how}`, { hint: 'pull the image again', cause });
}
