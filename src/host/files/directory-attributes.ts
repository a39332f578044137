/** Changes owners and permissions of directories on handles, so that no link leads to another place meanwhile. */
import { closeSync, constants, fchmodSync, fchownSync, fstatSync, openSync, statSync } from 'node:fs';

const { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } = constants;
const ONLY_DIRECTORIES = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;

export interface DirectoryAttributes {
  /** User and group; absent: they stay as they are. */
  readonly owner?: { readonly uid: number; readonly gid: number };
  /** Permissions, with the set-id and the sticky bit. */
  readonly mode: number;
}

/**
 * Gives a directory below `root` an owner and permissions.
 *
 * @param path from `root`, '' for `root` itself
 * @throws the error of open(2), ENOTDIR or ELOOP among them, when one of its parts is not a directory
 */
export function setDirectoryAttributes(
  root: string,
  path: string,
  { owner, mode }: DirectoryAttributes,
): void {
  const directory = openDirectory(root, path);
  try {
    const found = fstatSync(directory);
    // before the permissions: it may take bits of them away
    if (owner !== undefined && (found.uid !== owner.uid || found.gid !== owner.gid))
      fchownSync(directory, owner.uid, owner.gid);
    fchmodSync(directory, mode);
  } finally {
    closeSync(directory);
  }
}

/** Gives a directory the owner and the permissions of another one. */
export function copyDirectoryAttributes(from: string, to: string): void {
  const { uid, gid, mode } = statSync(from);
  setDirectoryAttributes(to, '', { owner: { uid, gid }, mode: mode & 0o7777 });
}

function openDirectory(root: string, path: string): number {
  let opened = openSync(root, ONLY_DIRECTORIES);
  for (const name of path.split('/').filter(Boolean)) {
    const parent = opened;
    try {
      opened = openSync(`/proc/self/fd/${parent}/${name}`, ONLY_DIRECTORIES);
    } finally {
      closeSync(parent);
    }
  }
  return opened;
}
