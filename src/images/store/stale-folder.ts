import { rm } from 'node:fs/promises';
import type { Context } from '../../context.ts';
import { isErrno } from '../../errors.ts';
import { mountPoints } from '../../host/mount.ts';

/**
 * Removes a folder that nobody uses any more; when that does not work, a warning says so. Where something is mounted
 * below it, nothing is removed: it would be what is mounted.
 */
export async function removeStaleFolder(context: Context, path: string): Promise<void> {
  const warn = (reason: string) =>
    context.report({ kind: 'warning', text: `Could not remove directory ${path}: ${reason}` });
  if (mountPoints().some((point) => point === path || point.startsWith(`${path}/`)))
    return warn('something is mounted there');
  try {
    await rm(path, { recursive: true, force: true });
  } catch (error) {
    if (!isErrno(error, 'EACCES', 'EBUSY', 'ENOTEMPTY', 'EPERM', 'EROFS')) throw error;
    warn(error.message);
  }
}
