/** Following paths inside a folder that somebody else filled, never out of it. */
import { lstat, readlink } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import { AtomicError, isErrno } from '../errors.ts';

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
  let pending = path.split('/').filter(Boolean);
  let resolved = '/';
  for (let links = 0; pending.length > 0; ) {
    const [part = '', ...rest] = pending;
    const next = posix.join(resolved, part);
    const target = await linkTarget(join(root, next));
    if (target === undefined) return undefined;
    if (target === '') {
      [resolved, pending] = [next, rest];
      continue;
    }
    if (++links > MOST_LINKS) throw new AtomicError(`${join(root, path)}: too many levels of symbolic links`);
    resolved = target.startsWith('/') ? '/' : dirname(next);
    pending = [...target.split('/').filter(Boolean), ...rest];
  }
  return join(root, resolved);
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
