/** An open directory: works on its entries without following links, even if others exchange them meanwhile. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { AtomicError, isErrno } from '../../errors.ts';
import { withPath } from './files.ts';

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = fs.constants;

/** Permissions and owner of an entry, as stat(2) has them. */
export interface Attributes {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** What stands where a directory was expected. */
export class Obstacle extends AtomicError {
  readonly path: string;
  readonly isLink: boolean;

  constructor(path: string, isLink: boolean) {
    super(`${path} is ${isLink ? 'a symbolic link' : 'not a directory'}`);
    this.path = path;
    this.isLink = isLink;
  }
}

/**
 * Node lacks openat(2), linkat(2) and the like; `/proc/self/fd/N/NAME` reaches the same entry (proc(5)). Names are those of its own entries; none of them is followed when it is a link.
 * All calls throw system errors, which name the path as people know it.
 */
export class Directory implements Disposable {
  /** For messages: the path by which it was reached. */
  readonly path: string;
  readonly #fd: number;

  private constructor(fd: number, path: string) {
    this.#fd = fd;
    this.path = path;
  }

  /** Opens a directory that nobody else can exchange; links on the way are followed. */
  static open(path: string, { shownAs = path }: { shownAs?: string } = {}): Directory {
    return new Directory(fs.openSync(path, O_RDONLY | O_DIRECTORY), shownAs);
  }

  /** The path of an entry for system calls that do not follow a link at the end. */
  #entry(name: string): string {
    return `/proc/self/fd/${this.#fd}/${name}`;
  }

  /** The path under which a program that we run finds this directory. */
  get forPrograms(): string {
    return `/proc/${process.pid}/fd/${this.#fd}`;
  }

  /** @throws Obstacle when the entry is not a directory */
  open(name: string): Directory {
    return this.#named(name, (entry) => {
      try {
        const fd = fs.openSync(entry, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        return new Directory(fd, this.#pathOf(name));
      } catch (error) {
        if (!isErrno(error, 'ENOTDIR', 'ELOOP')) throw error;
        throw new Obstacle(this.#pathOf(name), this.stat(name)?.isSymbolicLink() ?? false);
      }
    });
  }

  /** What an entry is, `undefined` when there is none. */
  stat(name: string): fs.BigIntStats | undefined {
    return this.#named(name, (entry) => fs.lstatSync(entry, { bigint: true, throwIfNoEntry: false }));
  }

  names(): readonly string[] {
    return this.#named('', (entry) => fs.readdirSync(entry));
  }

  readLink(name: string): string {
    return this.#named(name, (entry) => fs.readlinkSync(entry));
  }

  /** Opens a file for reading, without waiting for the other end of a FIFO; the caller closes the descriptor. */
  openFile(name: string): number {
    return this.#named(name, (entry) => fs.openSync(entry, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  }

  /** Makes a directory that is nobody else's before it has these attributes. */
  make(name: string, attributes: Attributes): Directory {
    this.#named(name, (entry) => fs.mkdirSync(entry, 0o700));
    const made = this.open(name);
    try {
      made.setAttributes(attributes);
      return made;
    } catch (error) {
      made[Symbol.dispose]();
      throw error;
    }
  }

  /** Owner and permissions of this directory. */
  get attributes(): Attributes {
    return this.#named('', () => fs.fstatSync(this.#fd));
  }

  /** Gives this directory an owner, then permissions. */
  setAttributes({ mode, uid, gid }: Attributes): void {
    this.#named('', () => fs.fchownSync(this.#fd, uid, gid));
    this.#named('', () => fs.fchmodSync(this.#fd, mode & 0o7777));
  }

  /** Creates a file that nobody else can read before it has these attributes. */
  createFile(name: string, text: string | Uint8Array, attributes: Attributes): void {
    this.#create(name, attributes, (fd) => fs.writeFileSync(fd, text));
  }

  /** Copies content, owner and permissions of a file to a new one. */
  copyFile(name: string, to: Directory, newName: string): void {
    const source = this.openFile(name);
    try {
      const stat = fs.fstatSync(source);
      to.#create(newName, stat, (fd) => copyContent(source, fd));
    } finally {
      fs.closeSync(source);
    }
  }

  #create(name: string, { mode, uid, gid }: Attributes, write: (fd: number) => void): void {
    this.#named(name, (entry) => {
      const fd = fs.openSync(entry, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY, 0o600);
      try {
        write(fd);
        fs.fchownSync(fd, uid, gid);
        fs.fchmodSync(fd, mode & 0o7777);
      } finally {
        fs.closeSync(fd);
      }
    });
  }

  symlink(name: string, text: string, { uid, gid }: Pick<Attributes, 'uid' | 'gid'>): void {
    this.#named(name, (entry) => {
      fs.symlinkSync(text, entry);
      fs.lchownSync(entry, uid, gid);
    });
  }

  /** Gives an entry a second name, in a directory of the same file system; replaces nothing. */
  link(name: string, to: Directory, newName: string): void {
    to.#named(newName, (entry) => this.#named(name, (old) => fs.linkSync(old, entry)));
  }

  /** Moves an entry to a directory of the same file system; what has the new name is replaced. */
  rename(name: string, to: Directory, newName: string): void {
    to.#named(newName, (entry) => this.#named(name, (old) => fs.renameSync(old, entry)));
  }

  unlink(name: string): void {
    this.#named(name, (entry) => fs.unlinkSync(entry));
  }

  /** Removes a directory that is empty. */
  rmdir(name: string): void {
    this.#named(name, (entry) => fs.rmdirSync(entry));
  }

  /** Removes an entry with all that is in it; nothing when there is none. */
  removeTree(name: string): void {
    const found = this.stat(name);
    if (found === undefined) return;
    if (found.isDirectory()) {
      using inner = this.open(name);
      for (const entry of inner.names()) inner.removeTree(entry);
    }
    if (found.isDirectory()) this.rmdir(name);
    else this.unlink(name);
  }

  /** Throws what making an entry would fail with: EROFS, EACCES, or EPERM for a directory that cannot be changed. */
  requireWritable(): void {
    this.#named('', (entry) => fs.accessSync(entry, fs.constants.W_OK | fs.constants.X_OK));
  }

  /** Size and free blocks of the file system. */
  space(): fs.BigIntStatsFs {
    return this.#named('', (entry) => fs.statfsSync(entry, { bigint: true }));
  }

  /** Puts the entries of this directory on disk. */
  sync(): void {
    this.#named('', () => fs.fsyncSync(this.#fd));
  }

  [Symbol.dispose](): void {
    fs.closeSync(this.#fd);
  }

  #pathOf(name: string): string {
    return join(this.path, name);
  }

  /** Errors speak of the path, not of our descriptor. */
  #named<Result>(name: string, body: (entry: string) => Result): Result {
    try {
      return body(this.#entry(name));
    } catch (error) {
      if (error instanceof Error) {
        error.message = error.message
          .replaceAll(`'${this.#entry(name)}'`, `'${this.#pathOf(name)}'`)
          .replaceAll(this.#entry(''), join(this.path, '/'));
      }
      throw withPath(error, this.#pathOf(name));
    }
  }
}

function copyContent(source: number, target: number): void {
  const chunk = Buffer.alloc(1 << 20);
  for (;;) {
    const length = fs.readSync(source, chunk);
    if (length === 0) return;
    fs.writeFileSync(target, chunk.subarray(0, length));
  }
}
