/** `atomic images prune`: removes deployments and layers that nothing needs. */
import type { Context } from '../context.ts';
import { isFailure, lineOf } from '../errors.ts';
import { warn } from '../events.ts';
import { entriesIfPresent, exists, syncPath } from '../host/files/files.ts';
import { isHeld } from '../host/files/lock.ts';
import { pruneImages } from '../images/prune.ts';
import { removeStaleFolder } from '../images/store/stale-folder.ts';
import { containerOf, containerOfLeftover } from './deployments/container.ts';
import { deployedCommits, type SlotFolder, slotFolders } from './deployments/inventory.ts';
import { type ContainerName, isContainerName } from './deployments/name.ts';
import { sweepMounts } from './mounts/sweep.ts';
import { isMarked } from './transaction/marker.ts';
import { withContainer } from './transaction/transaction.ts';

/**
 * Removes deployments without a container, what commands that were cut short and mounts have left, then what neither an image nor a deployment needs.
 *
 * @returns how many bytes were freed in the repository
 */
export async function prune(context: Context): Promise<number> {
  for (const slot of slotFolders(context)) if (slot.isUnclaimed) await removeUnclaimed(context, slot);
  for (const name of namesOfLeftovers(context)) await tidyUp(context, name);
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

function namesOfLeftovers({ paths }: Context): ReadonlySet<ContainerName> {
  return new Set(entriesIfPresent(paths.checkouts).flatMap(({ name }) => containerOfLeftover(name) ?? []));
}

/** A deployment that was being built when the power was cut is no trace of a container: no other command looks for it. */
async function tidyUp(context: Context, name: ContainerName): Promise<void> {
  const container = containerOf(context, name);
  if (isMarked(container) || isHeld(container.lock)) return;
  try {
    await withContainer(context, container, async () => undefined);
  } catch (error) {
    if (!isFailure(error) || context.signal.aborted) throw error;
    warn(context, lineOf(error));
  }
}
