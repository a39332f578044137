/** Makes the directories that host files need, and removes those that they no longer need. */
import { basename, dirname } from 'node:path';
import type { Context } from '../../context.ts';
import { isErrno } from '../../errors.ts';
import { Directory, Obstacle } from '../../host/files/directory.ts';
import { openBelow } from '../../host/files/open-below.ts';
import { openNearest, openOnHost } from '../host-files/host-path.ts';
import { printable, warnAbout } from '../host-files/notes.ts';
import { attributesOf } from '../host-files/stage.ts';

/** Makes directories, outermost first, with owner and permissions as in the image; those that exist stay as they are. */
export function makeDirectories(host: Directory, paths: readonly string[], mirror: string): void {
  if (paths.length === 0) return;
  using root = Directory.open(mirror);
  for (const path of paths) {
    using parent = openOnHost(host, dirname(path));
    using staged = openBelow(root, dirname(path));
    if (parent === undefined || staged === undefined || parent.stat(basename(path)) !== undefined) continue;
    parent.make(basename(path), attributesOf(staged, basename(path)))[Symbol.dispose]();
  }
}

/** Somebody has something there: nothing that anybody has to be told. */
const IN_USE = ['ENOENT', 'ENOTEMPTY', 'EEXIST', 'ENOTDIR', 'EBUSY'];

/** Whether trying again is of no use: what the file system, or the administrator, does not let anybody change. */
export function isRefused(error: unknown): boolean {
  return error instanceof Obstacle || isErrno(error, 'EROFS', 'EPERM', 'EACCES');
}

/** Tries again once: a file system that has failed need not fail twice. */
export function twice<Result>(
  body: () => Result,
  isWorthIt: (error: unknown) => boolean = (error) => !isErrno(error, ...IN_USE),
): Result {
  try {
    return body();
  } catch (error) {
    if (!isWorthIt(error)) throw error;
    return body();
  }
}

/**
 * Removes directories as far as nothing is in them any more; what cannot be removed is named in a warning.
 *
 * @returns whether trying again is of no use
 */
export function removeDirectories(context: Context, host: Directory, paths: Iterable<string>): boolean {
  let isDone = true;
  for (const path of [...paths].sort().reverse()) {
    try {
      twice(() => {
        using parent = openOnHost(host, dirname(path));
        if (parent?.stat(basename(path))?.isDirectory()) parent.rmdir(basename(path));
      });
    } catch (error) {
      if (isErrno(error, ...IN_USE)) continue;
      warnAbout(context, `cannot remove ${printable(path)}`, error);
      isDone &&= isRefused(error);
    }
  }
  return isDone;
}

/** Puts the entries of directories on disk; for those that are gone, that they are gone. */
export function syncDirectories(context: Context, host: Directory, paths: Iterable<string>): void {
  const synced = new Set<string>();
  for (const path of paths) {
    try {
      using nearest = twice(() => openNearest(host, path));
      if (!synced.has(nearest.path)) nearest.sync();
      synced.add(nearest.path);
    } catch (error) {
      if (isRefused(error)) continue;
      warnAbout(context, `cannot put ${printable(path)} on disk`, error);
    }
  }
}
