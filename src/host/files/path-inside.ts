/** Follows paths inside a directory that somebody else filled, and never leaves it. */
import { lstat, readlink } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import { AtomicError, isErrno } from '../../errors.ts';

/** As many links as the kernel follows (path_resolution(7)). */
const MOST_LINKS = 40;

/**
 * Where `path` leads when `root` is taken for `/`: links are followed as a process that had changed its root
 * there would, so that no link and no `..` leads out.
 *
 * @returns the path on the host, or `undefined` when there is nothing of that name
 * @throws AtomicError when there are too many links
 */
export async function pathInside(root: string, path: string): Promise<string | undefined> {
  const resolved = await followLinks(path, (inner) => linkTarget(join(root, inner)));
  return resolved === undefined ? undefined : join(root, resolved);
}

/**
 * Follows the links on the way to `path` in any tree of files; nothing leads out of it.
 *
 * @param target what a path of the tree is: the text of a link, '' for anything else, `undefined` for nothing
 * @returns the path without links, absolute, or `undefined` when there is nothing of that name
 * @throws AtomicError when there are too many links
 */
export async function followLinks(
  path: string,
  target: (path: string) => Promise<string | undefined> | string | undefined,
): Promise<string | undefined> {
  let pending = path.split('/').filter(Boolean);
  let resolved = '/';
  for (let links = 0; pending.length > 0; ) {
    const [part = '', ...rest] = pending;
    const next = posix.join(resolved, part);
    const link = await target(next);
    if (link === undefined) return undefined;
    if (link === '') {
      [resolved, pending] = [next, rest];
      continue;
    }
    if (++links > MOST_LINKS) throw new AtomicError(`${path}: too many levels of symbolic links`);
    resolved = link.startsWith('/') ? '/' : dirname(next);
    pending = [...link.split('/').filter(Boolean), ...rest];
  }
  return resolved;
}

/** The text of a link, '' for anything else that exists, `undefined` for nothing. */
async function linkTarget(path: string): Promise<string | undefined> {
  try {
    return (await lstat(path)).isSymbolicLink() ? await readlink(path) : '';
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}
