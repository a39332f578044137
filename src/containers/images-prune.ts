/** `atomic images prune`: removes deployments and layers that nothing needs. */
import type { Context } from '../context.ts';
import { exists, syncPath } from '../host/files/files.ts';
import { pruneImages } from '../images/prune.ts';
import { removeStaleFolder } from '../images/store/stale-folder.ts';
import { containerOf } from './deployments/container.ts';
import { deployedCommits, type SlotFolder, slotFolders } from './deployments/inventory.ts';
import { isContainerName } from './deployments/name.ts';
import { sweepMounts } from './mounts/sweep.ts';
import { isMarked } from './transaction/marker.ts';
import { withContainer } from './transaction/transaction.ts';

/**
 * Removes deployments without a container, what mounts have left, then what neither an image nor a deployment needs.
 *
 * @returns how many bytes were freed in the repository
 */
export async function prune(context: Context): Promise<number> {
  for (const slot of slotFolders(context)) if (slot.isUnclaimed) await removeUnclaimed(context, slot);
  if (exists(context.paths.checkouts)) await syncPath(context.paths.checkouts);
  await sweepMounts(context);
  return await pruneImages(context, deployedCommits(context));
}

/** Whoever is at work on a container holds its lock, or has left a marker for the next command on it. */
async function removeUnclaimed(context: Context, { container: name, path }: SlotFolder): Promise<void> {
  // a name that cannot be installed is nobody's, and needs no lock
  if (!isContainerName(name)) return await removeStaleFolder(context, path);
  const container = containerOf(context, name);
  if (isMarked(container)) return;
  await withContainer(context, container, async () => {
    const isStillUnclaimed = !exists(container.link) && !isMarked(container);
    if (isStillUnclaimed) await removeStaleFolder(context, path);
  });
}
