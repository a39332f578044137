/** Puts on disk what ostree(1) does not: names of refs. */
import { dirname, join } from 'node:path';
import { exists, syncPath } from '../files/files.ts';

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
