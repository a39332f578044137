/** The private directories that hold new and replaced host files until a change is over. */
import type { BigIntStats } from 'node:fs';
import type { Attributes, Directory } from '../../host/files/directory.ts';
import type { Group } from '../host-files/journal.ts';

/** Three directories in it, which hold files by the names that they have, or are to have, on the host. */
export interface Aside extends Disposable {
  /** Complete new files; they stay, so that a file on the host can be told to be ours. */
  readonly arriving: Directory;
  /** Second names of new files, to be renamed over old ones. */
  readonly ready: Directory;
  /** Second names of the files that were there. */
  readonly leaving: Directory;
}

const NAMES = ['new', 'next', 'old'] as const;

const PRIVATE: Attributes = {
  mode: 0o700,
  uid: process.geteuid?.() ?? 0,
  gid: process.getegid?.() ?? 0,
};

export function makeAside(directory: Directory, { aside }: Group): Aside {
  using made = directory.make(aside, PRIVATE);
  const [arriving, ready, leaving] = NAMES.map((name) => made.make(name, PRIVATE));
  return holding(arriving as Directory, ready as Directory, leaving as Directory);
}

/** `undefined` when there is none, or none that is complete. */
export function openAside(directory: Directory, { aside }: Pick<Group, 'aside'>): Aside | undefined {
  if (directory.stat(aside) === undefined) return undefined;
  using found = directory.open(aside);
  if (NAMES.some((name) => found.stat(name) === undefined)) return undefined;
  const [arriving, ready, leaving] = NAMES.map((name) => found.open(name));
  return holding(arriving as Directory, ready as Directory, leaving as Directory);
}

function holding(arriving: Directory, ready: Directory, leaving: Directory): Aside {
  return {
    arriving,
    ready,
    leaving,
    [Symbol.dispose]() {
      for (const directory of [arriving, ready, leaving]) directory[Symbol.dispose]();
    },
  };
}

/** Whether two entries are one file. */
export function isSame(a: BigIntStats | undefined, b: BigIntStats | undefined): boolean {
  return a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino;
}

/** Changes with each write to a file. The change time is of no use: second names change it, too. */
export function stampOf({ ino, size, mtimeNs }: BigIntStats): string {
  return `${ino} ${size} ${mtimeNs}`;
}
