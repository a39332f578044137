/** Gives directories below a root their owners and permissions, so that no link leads to another place meanwhile. */
import { statSync } from 'node:fs';
import { type Attributes, Directory } from './directory.ts';

/**
 * Gives a directory below `root` an owner and permissions.
 *
 * @param path from `root`, '' for `root` itself
 * @throws Obstacle when one of its parts is not a directory
 */
export function setDirectoryAttributes(root: string, path: string, attributes: Attributes): void {
  using directory = openBelow(root, path);
  directory.setAttributes(attributes);
}

/** Gives a directory the owner and the permissions of another one. */
export function copyDirectoryAttributes(from: string, to: string): void {
  setDirectoryAttributes(to, '', statSync(from));
}

function openBelow(root: string, path: string): Directory {
  let directory = Directory.open(root);
  for (const name of path.split('/').filter(Boolean)) {
    using parent = directory;
    directory = parent.open(name);
  }
  return directory;
}
