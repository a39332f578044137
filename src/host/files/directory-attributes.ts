/** Sets owners and permissions of directories below a root without following links. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { AtomicError } from '../../errors.ts';
import { type Attributes, Directory } from './directory.ts';
import { openBelow } from './open-below.ts';

/**
 * Gives a directory below `root` an owner and permissions.
 *
 * @param path from `root`, '' for `root` itself
 * @throws Obstacle when one of its parts is not a directory
 */
export function setDirectoryAttributes(root: string, path: string, attributes: Attributes): void {
  using base = Directory.open(root);
  using directory = openBelow(base, path);
  if (directory === undefined) throw new AtomicError(`there is no directory ${join(root, path)}`);
  directory.setAttributes(attributes);
}

/** Gives a directory the owner and the permissions of another one. */
export function copyDirectoryAttributes(from: string, to: string): void {
  setDirectoryAttributes(to, '', statSync(from));
}
