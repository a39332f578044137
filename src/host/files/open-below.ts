/** Finds directories below a directory without following links. */
import { dirname, resolve } from 'node:path';
import type { Directory } from './directory.ts';

/** As many links as the kernel follows (path_resolution(7)). */
const MOST_LINKS = 40;

/**
 * Opens the directory `path` below `root`, link by link refused.
 *
 * @param mayFollow says of a path below `root` that is a link whether it is to be followed, inside `root`
 * @returns `undefined` when there is nothing of that name
 * @throws Obstacle when there is something else on the way
 */
export function openBelow(
  root: Directory,
  path: string,
  mayFollow: (path: string) => boolean = () => false,
): Directory | undefined {
  let current = root.open('.');
  let reached = '/';
  let pending = resolve('/', path).split('/').filter(Boolean);
  for (let links = 0; pending.length > 0; ) {
    using parent = current;
    const [name = '', ...rest] = pending;
    const next = resolve(reached, name);
    const found = parent.stat(name);
    if (found === undefined) return undefined;
    if (!found.isSymbolicLink() || !mayFollow(next) || ++links > MOST_LINKS) {
      [current, reached, pending] = [parent.open(name), next, rest];
      continue;
    }
    const target = resolve(dirname(next), parent.readLink(name));
    [current, reached, pending] = [root.open('.'), '/', [...target.split('/').filter(Boolean), ...rest]];
  }
  return current;
}
