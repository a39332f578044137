/** Makes a commit of files whose objects are there already: the objects of its directories, and its own. */
import { createHash } from 'node:crypto';
import { closeSync, fchmodSync, openSync, readdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeObjectDirectories, type Ownership } from './file-object.ts';
import { array, checksumBytes, text, tuple } from './gvariant-writer.ts';
import { type Folder, type FolderObjects, objectPath, readCommit, readFolder } from './repository.ts';

/** What OSTree keeps of a directory itself. */
export interface DirectoryMeta extends Ownership {
  readonly xattrs: ReadonlyMap<string, Buffer>;
}

/** A directory: its dirmeta object, or what goes into that, and what it holds. */
interface Directory {
  meta: string | DirectoryMeta;
  readonly files: Map<string, string>;
  readonly folders: Map<string, Directory>;
}

const DIRECTORY = 0o040000;

/** A directory that has no entry. */
const IMPLIED: DirectoryMeta = { uid: 0, gid: 0, mode: 0o755, xattrs: new Map() };

/** One tree; paths are from its root, '' for the root itself, and no file is below another. */
export class TreeWriter {
  readonly #repository: string;
  readonly #root = newDirectory();
  /** The checksums of dirmeta objects, by what is in them: there are few. */
  readonly #metas = new Map<string, string>();
  readonly #written = new Set<string>();

  /** @param repository one that nobody else uses */
  constructor(repository: string) {
    this.#repository = repository;
    makeObjectDirectories(repository);
  }

  /** @param meta what it is, or the checksum of a dirmeta object */
  setDirectory(path: string, meta: string | DirectoryMeta): void {
    this.#directory(path).meta = meta;
  }

  setFile(path: string, checksum: string): void {
    const [parent, name] = split(path);
    this.#directory(parent).files.set(name, checksum);
  }

  /** The checksum of a file; `undefined` when there is none. */
  file(path: string): string | undefined {
    const [parent, name] = split(path);
    let directory: Directory | undefined = this.#root;
    for (const part of partsOf(parent)) directory = directory?.folders.get(part);
    return directory?.files.get(name);
  }

  /** Writes what is missing; returns the checksum of the commit. */
  commit(): string {
    const { tree, meta } = this.#write(this.#root);
    return this.#put(serialisedCommit(tree, meta), 'commit');
  }

  /** Removes commits, and what they have of directories, that {@link commit} has not written. */
  removeOthers(): void {
    for (const prefix of readdirSync(join(this.#repository, 'objects'))) {
      for (const name of readdirSync(join(this.#repository, 'objects', prefix))) {
        const path = join(this.#repository, 'objects', prefix, name);
        if (/\.(commit|dirtree|dirmeta)$/.test(name) && !this.#written.has(path)) unlinkSync(path);
      }
    }
  }

  #directory(path: string): Directory {
    let directory = this.#root;
    for (const name of partsOf(path)) {
      const inner = directory.folders.get(name) ?? newDirectory();
      directory.folders.set(name, inner);
      directory = inner;
    }
    return directory;
  }

  #write({ meta, files, folders }: Directory): FolderObjects {
    const ofFiles = sorted(files).map(([name, checksum]) => tuple([text(name), checksumBytes(checksum)]));
    const ofFolders = sorted(folders).map(([name, folder]) => {
      const inner = this.#write(folder);
      return tuple([text(name), checksumBytes(inner.tree), checksumBytes(inner.meta)]);
    });
    return { tree: this.#put(tuple([array(ofFiles), array(ofFolders)]), 'dirtree'), meta: this.#meta(meta) };
  }

  #meta(meta: string | DirectoryMeta): string {
    if (typeof meta === 'string') {
      this.#written.add(objectPath(this.#repository, meta, 'dirmeta'));
      return meta;
    }
    const bytes = serialisedMeta(meta);
    const key = bytes.toString('latin1');
    const checksum = this.#metas.get(key) ?? this.#put(bytes, 'dirmeta');
    this.#metas.set(key, checksum);
    return checksum;
  }

  #put(bytes: Buffer, kind: 'commit' | 'dirtree' | 'dirmeta'): string {
    const checksum = createHash('sha256').update(bytes).digest('hex');
    const path = objectPath(this.#repository, checksum, kind);
    if (this.#written.has(path)) return checksum;
    createObject(path, bytes);
    this.#written.add(path);
    return checksum;
  }
}

/** With the mode that ostree(1) gives it, whatever the umask. */
function createObject(path: string, bytes: Buffer): void {
  const fd = openSync(path, 'w', 0o600);
  try {
    writeFileSync(fd, bytes);
    fchmodSync(fd, 0o644);
  } finally {
    closeSync(fd);
  }
}

function newDirectory(): Directory {
  return { meta: IMPLIED, files: new Map(), folders: new Map() };
}

function split(path: string): [parent: string, name: string] {
  const at = path.lastIndexOf('/');
  return at < 0 ? ['', path] : [path.slice(0, at), path.slice(at + 1)];
}

function partsOf(path: string): readonly string[] {
  return path === '' ? [] : path.split('/');
}

/** As strcmp(3) sorts their UTF-8. */
function sorted<Value>(entries: ReadonlyMap<string, Value>): readonly (readonly [string, Value])[] {
  return [...entries].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

/** ostree-core.h, OSTREE_DIRMETA_GVARIANT_FORMAT, `(uuua(ayay))`: the numbers are big-endian, the names end in 0. */
function serialisedMeta({ uid, gid, mode, xattrs }: DirectoryMeta): Buffer {
  const numbers = Buffer.alloc(12);
  for (const [index, value] of [uid, gid, DIRECTORY | mode].entries())
    numbers.writeUInt32BE(value, 4 * index);
  return Buffer.concat([numbers, array(sorted(xattrs).map(([name, value]) => tuple([text(name), value])))]);
}

/** ostree-core.h, OSTREE_COMMIT_GVARIANT_FORMAT, `(a{sv}aya(say)sstayay)`, of 1970 and with nothing but a tree. */
function serialisedCommit(tree: string, meta: string): Buffer {
  const members = [text(''), text(''), Buffer.alloc(6), Buffer.alloc(8)];
  // where tree, body, subject, related commits, parent and metadata end
  const offsets = Buffer.from([48, 2, 1, 0, 0, 0]);
  return Buffer.concat([...members, checksumBytes(tree), checksumBytes(meta), offsets]);
}

/** What is at a path of a commit: a file, or a directory with its attributes. */
export type TreeEntry = { readonly file: string } | { readonly meta: string };

/** Opens a commit for looking up paths in it; each directory is read once. */
export function openCommit(repository: string, commit: string): (path: string) => TreeEntry | undefined {
  const root = readCommit(repository, commit);
  const read = new Map<string, Folder>();
  const folderOf = (tree: string) => {
    const folder = read.get(tree) ?? readFolder(repository, tree);
    read.set(tree, folder);
    return folder;
  };
  return (path) => {
    const names = partsOf(path);
    let current: FolderObjects | undefined = root;
    for (const [index, name] of names.entries()) {
      const folder: Folder = folderOf(current.tree);
      const file = index === names.length - 1 ? folder.files.get(name) : undefined;
      if (file !== undefined) return { file };
      current = folder.folders.get(name);
      if (current === undefined) return undefined;
    }
    return { meta: current.meta };
  };
}
