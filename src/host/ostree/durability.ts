/** Puts on disk what ostree(1) does not: names of refs, and objects in repositories that are told not to sync. */
import { dirname, join } from 'node:path';
import { exists, readIfPresent, syncPath } from '../files/files.ts';

/**
 * Puts refs on disk, those that are gone included: ostree(1) syncs the content of a ref, but no directory.
 *
 * @param refs such as `ociimage/busybox_3Alatest`
 */
export async function syncRefs(repository: string, refs: readonly string[]): Promise<void> {
  const top = join(repository, 'refs');
  const files = refs.map((ref) => join(top, 'heads', ref)).filter(exists);
  const directories = new Set(refs.flatMap((ref) => directoriesAbove(join(top, 'heads', ref), top)));
  for (const path of [...files, ...[...directories].filter(exists)]) await syncPath(path);
}

/** The directories from that of `path` up to `top`. */
function directoriesAbove(path: string, top: string): readonly string[] {
  const parent = dirname(path);
  return parent === top ? [top] : [parent, ...directoriesAbove(parent, top)];
}

/** Whether a repository is configured to leave it to the kernel when objects reach the disk (ostree.repo-config(5)). */
export function isUnsynced(repository: string): boolean {
  return /^\s*fsync\s*=\s*(false|0)\s*$/m.test(readIfPresent(join(repository, 'config')) ?? '');
}
