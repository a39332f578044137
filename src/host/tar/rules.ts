/** Decides which entries of a tar archive go into a commit; ostree(1) refuses or crashes on the others. */
import { posix } from 'node:path';
import { AtomicError } from '../../errors.ts';
import type { TarEntry } from './entry.ts';

/** Character devices, block devices and fifos. */
const SPECIAL = new Set(['3', '4', '6']);

/** NAME_MAX of Linux's file systems. */
const LONGEST_NAME = 255;

/** The directories of an archive, by their paths from its root. */
export interface Directories {
  /** Those with an entry that says what they are. */
  readonly described: readonly string[];
  /** Those that only have something in them. */
  readonly implied: readonly string[];
}

/** Goes through the entries of one archive, in their order. */
export class TarRules {
  readonly #kinds = new Map<string, 'directory' | 'other'>();
  readonly #specials = new Set<string>();
  /** The folders that have no entry of their own. */
  readonly #implied = new Set(['']);

  /**
   * Whether an entry stays: a special file goes, and all that is a hard link to it.
   *
   * @throws AtomicError, without the name of the archive, for an entry that cannot be what it says it is
   */
  admit(entry: TarEntry): boolean {
    const path = pathOf(entry.name);
    const kind = this.#kindOf(entry);
    if (kind === 'special') {
      this.#specials.add(path);
      return false;
    }
    if (path === '' && kind !== 'directory') throw new AtomicError('has a file without a name');
    this.#enterParents(path);
    if ((this.#kinds.get(path) ?? kind) !== kind)
      throw new AtomicError(`has ${shown(path)} twice, once as a directory and once as something else`);
    this.#kinds.set(path, kind);
    this.#implied.delete(path);
    return true;
  }

  /** The paths of the directories so far, '' for the root: those with an entry of their own, and the others. */
  get directories(): Directories {
    const all = [...this.#kinds].flatMap(([path, kind]) => (kind === 'directory' ? [path] : []));
    return {
      described: all.filter((path) => !this.#implied.has(path)),
      implied: [...this.#implied],
    };
  }

  #kindOf(entry: TarEntry): 'directory' | 'special' | 'other' {
    if (isFolder(entry)) return 'directory';
    const isSpecial = entry.type === '1' ? this.#specials.has(pathOf(entry.link)) : SPECIAL.has(entry.type);
    return isSpecial ? 'special' : 'other';
  }

  /** What is below a path makes it a folder, also without an entry of its own. */
  #enterParents(path: string): void {
    for (let parent = posix.dirname(path); parent !== '.'; parent = posix.dirname(parent)) {
      const kind = this.#kinds.get(parent);
      if (kind === 'directory') return;
      if (kind === 'other')
        throw new AtomicError(`has ${shown(path)} below ${shown(parent)}, which is not a directory`);
      this.#kinds.set(parent, 'directory');
      this.#implied.add(parent);
    }
  }
}

/** Before POSIX, a `/` at the end was all that made an entry a folder. */
export function isFolder({ type, name }: TarEntry): boolean {
  return type === '5' || (/[0\0]/.test(type) && name.at(-1) === 0x2f);
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** More than any path that the kernel takes has, with names of one letter: PATH_MAX, 4096 bytes. */
const MOST_PARTS = 2000;

/**
 * The path from the root of the image, '' for the root itself.
 *
 * @throws AtomicError, without the name of the archive, when it leads out of the image, or is none
 */
export function pathOf(name: Buffer): string {
  // another reader would take what follows for no part of it
  if (name.includes(0))
    throw new AtomicError(`has the name ${shown(name.toString('latin1'))}, which holds the byte 0`);
  const parts = decoded(name)
    .split('/')
    .filter((part) => part !== '' && part !== '.');
  if (parts.length > MOST_PARTS)
    throw new AtomicError(`has a path of ${parts.length} names, which begins with ${shown(parts.join('/'))}`);
  if (parts.some((part) => Buffer.byteLength(part) > LONGEST_NAME))
    throw new AtomicError(
      `has the path ${shown(parts.join('/'))}, with a name of more than ${LONGEST_NAME} bytes`,
    );
  if (parts.includes('..'))
    throw new AtomicError(`has the path ${shown(decoded(name))}, which leads out of the image`);
  return parts.join('/');
}

function decoded(name: Buffer): string {
  try {
    return UTF8.decode(name);
  } catch (error) {
    throw new AtomicError(`has the name ${shown(name.toString('latin1'))}, which is not UTF-8`, {
      cause: error,
    });
  }
}

/** In quotes and with escapes, and not so long that nothing else can be seen. */
export function shown(path: string): string {
  const end = 200;
  return JSON.stringify(path.length > end ? `${path.slice(0, end)}…` : path);
}
