/** Removes directories that are no longer used, and warns about those that cannot be removed. */
import type { Context } from '../../context.ts';
import { AtomicError } from '../../errors.ts';
import { warn } from '../../events.ts';
import { removeTree } from '../../host/files/remove-tree.ts';

/**
 * Removes a directory that nobody uses any more; when that does not work, as where something is mounted in it, a warning
 * says so, and nothing else fails.
 */
export async function removeStaleFolder(context: Context, path: string): Promise<void> {
  try {
    await removeTree(context, path);
  } catch (error) {
    if (!(error instanceof AtomicError)) throw error;
    const reason = error.message.replace(`cannot remove ${path}: `, '');
    warn(context, `Could not remove directory ${path}: ${reason}`);
  }
}
