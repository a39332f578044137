/** Writes the objects of files and symbolic links in this process: a program would have to be fed through a pipe. */
import { createHash, type Hash } from 'node:crypto';
import {
  closeSync,
  fchmodSync,
  fchownSync,
  futimesSync,
  lchownSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { isErrno } from '../../errors.ts';
import { withPath } from '../files/files.ts';
import { text } from './gvariant-writer.ts';
import { objectPath } from './repository.ts';

/** What an object keeps of a file besides its content, when it has no extended attributes. */
export interface Ownership {
  readonly uid: number;
  readonly gid: number;
  /** Without the bits for the kind of file. */
  readonly mode: number;
}

const REGULAR = 0o100000;
const LINK = 0o120000;

/**
 * What is digested in front of the content (ostree-core.c, `_ostree_file_header_new()` and
 * `_ostree_write_variant_with_size()`): the size of a GVariant `(uuuusa(ayay))` of owner, group, mode, device, target
 * and attributes, and that value. The numbers are big-endian.
 */
function headerOf({ uid, gid, mode }: Ownership, kind: number, target: string): Buffer {
  const name = text(target);
  // 4 for the size, and 4 that are always 0
  const size = 16 + name.length + (16 + name.length + 1 < 256 ? 1 : 2);
  const header = Buffer.alloc(8 + size);
  header.writeUInt32BE(size);
  for (const [index, value] of [uid, gid, kind | mode, 0].entries())
    header.writeUInt32BE(value, 8 + 4 * index);
  name.copy(header, 24);
  header.writeUIntLE(16 + name.length, 24 + name.length, size - 16 - name.length);
  return header;
}

/**
 * Whether the objects of files can be written in this process: they are the files themselves (ostree.repo-config(5),
 * `mode`), and the kernel is not asked to vouch for them, which only ostree(1) can do.
 */
export function takesFileObjects(repository: string): boolean {
  const config = readFileSync(join(repository, 'config'), 'utf8');
  return /^\s*mode\s*=\s*bare\s*$/m.test(config) && !/verity|integrity/.test(config);
}

/** Makes the directories of all objects, so that nobody has to look for one before each object. */
export function makeObjectDirectories(repository: string): void {
  for (let prefix = 0; prefix < 256; prefix++)
    mkdirSync(join(repository, 'objects', prefix.toString(16).padStart(2, '0')), {
      recursive: true,
      mode: 0o755,
    });
}

/** Makes the object of a symbolic link; returns its checksum. */
export function writeLinkObject(repository: string, owner: Omit<Ownership, 'mode'>, target: string): string {
  const checksum = createHash('sha256')
    .update(headerOf({ ...owner, mode: 0o777 }, LINK, target))
    .digest('hex');
  const path = objectPath(repository, checksum, 'file');
  unlessPresent(() => {
    symlinkSync(target, path);
    lchownSync(path, owner.uid, owner.gid);
  });
  return checksum;
}

/** Makes an object; one of that name is the same. */
function unlessPresent(make: () => void): void {
  try {
    make();
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error;
  }
}

interface Opened {
  readonly fd: number;
  readonly path: string;
}

/** Bytes: the content of smaller files is held in memory until it is known under which name it goes. */
const SMALL = 1024 * 1024;

/**
 * A regular file on its way to its object. The repository has mode `bare`, the directories of all objects, and nobody
 * else who writes to it: objects are not complete when they get their names.
 */
export class FileObject implements Disposable {
  readonly #repository: string;
  readonly #ownership: Ownership;
  readonly #hash: Hash;
  #parts: Buffer[] = [];
  #held = 0;
  /** Of a large one. */
  #open: Opened | undefined;

  constructor(repository: string, ownership: Ownership) {
    this.#repository = repository;
    this.#ownership = ownership;
    this.#hash = createHash('sha256').update(headerOf(ownership, REGULAR, ''));
  }

  /** @throws ErrnoException, as the other functions do */
  write(part: Buffer): void {
    this.#hash.update(part);
    this.#parts.push(part);
    this.#held += part.length;
    if (this.#held < SMALL && this.#open === undefined) return;
    this.#open ??= create(join(this.#repository, 'tmp/large-file'));
    this.#flush(this.#open);
  }

  /** It is complete; returns the checksum of its object. */
  end(): string {
    const checksum = this.#hash.digest('hex');
    const path = objectPath(this.#repository, checksum, 'file');
    if (this.#open !== undefined) renameSync(this.#close(this.#open), path);
    else
      unlessPresent(() => {
        this.#open = create(path);
        this.#close(this.#open);
      });
    return checksum;
  }

  /** Ends one that is not complete; its repository has to be removed. */
  [Symbol.dispose](): void {
    if (this.#open !== undefined) closeSync(this.#open.fd);
    this.#open = undefined;
  }

  #flush({ fd, path }: Opened): void {
    try {
      for (const part of this.#parts) for (let at = 0; at < part.length; ) at += writeSync(fd, part, at);
    } catch (error) {
      throw withPath(error, path);
    }
    this.#parts = [];
    this.#held = 0;
  }

  /** Writes the rest; returns the path. As ostree(1) leaves it, the file was last changed in 1970. */
  #close(open: Opened): string {
    this.#flush(open);
    const { uid, gid, mode } = this.#ownership;
    // a change of the owner takes set-id bits away
    fchownSync(open.fd, uid, gid);
    fchmodSync(open.fd, mode);
    futimesSync(open.fd, 0, 0);
    closeSync(open.fd);
    this.#open = undefined;
    return open.path;
  }
}

function create(path: string): Opened {
  return { fd: openSync(path, 'wx', 0o600), path };
}
