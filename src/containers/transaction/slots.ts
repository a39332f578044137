/** Changes the two slots of a container; every step is one rename that can be finished or undone later. */
import { renameSync, rmSync, symlinkSync } from 'node:fs';
import { mkdir, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context } from '../../context.ts';
import { AtomicError } from '../../errors.ts';
import { warn } from '../../events.ts';
import { faultPoint } from '../../faults.ts';
import {
  entriesIfPresent,
  exists,
  removeIfPresent,
  removeTemporary,
  syncPath,
  temporaryNameFor,
} from '../../host/files/files.ts';
import { removeTree, requireNoMounts } from '../../host/files/remove-tree.ts';
import { activePath, type Container, isDirectory, isStagingOf, type Slot } from '../deployments/container.ts';

const SLOTS: readonly Slot[] = [0, 1];

/**
 * Makes sure that a slot can take another deployment: there is none, or one that can be removed later.
 *
 * @throws AtomicError when something else has its name, something is mounted in it, or an earlier one is in the way
 */
export function requireUsableSlot({ slots, saved }: Container, slot: Slot): void {
  const [path, old] = [slots[slot], saved(slot)];
  if (exists(path) && !isDirectory(path))
    throw new AtomicError(`cannot put a deployment at ${path}: that is a container of its own, or a file`);
  requireNoMounts(path);
  requireNoMounts(old);
  if (exists(old))
    throw new AtomicError(`cannot replace the deployment ${path}: ${old} could not be removed`);
}

/** Gives a deployment that was built aside its place; the one that was there is kept until {@link settleSlots}. */
export async function placeDeployment(context: Context, container: Container, slot: Slot): Promise<void> {
  requireUsableSlot(container, slot);
  const [destination, saved] = [container.slots[slot], container.saved(slot)];
  if (exists(destination)) await rename(destination, saved);
  else await mkdir(saved);
  await syncPath(container.directory);
  await faultPoint(context, 'switch.saved');
  await rename(container.staging(slot), destination);
  await syncPath(container.directory);
}

/**
 * Makes the deployment in `path` the container's own, or none: this rename is the commit point of every change. It is
 * on disk once the directory of the containers is.
 */
export async function pointTo({ link }: Container, path: string | undefined): Promise<void> {
  if (path === undefined) {
    await removeIfPresent(link);
    return;
  }
  // services wait for this: threads would only make it later
  rmSync(temporaryNameFor(link), { force: true });
  symlinkSync(path, temporaryNameFor(link));
  renameSync(temporaryNameFor(link), link);
}

/**
 * Ends a change of the slots: what the link points to stays, and a deployment that it replaced goes for good. What
 * cannot be removed is named in a warning.
 */
export async function settleSlots(context: Context, container: Container): Promise<void> {
  const { slots, link, directory } = container;
  await removeTemporary(link);
  const active = activePath(container);
  const entries = entriesIfPresent(directory).map((entry) => entry.name);
  for (const slot of SLOTS) {
    const saved = container.saved(slot);
    for (const entry of entries)
      if (isStagingOf(container, slot, entry)) await removeOrWarn(context, join(directory, entry));
    if (!exists(saved)) continue;
    if (active === slots[slot]) await removeOrWarn(context, saved);
    else await bringBack(context, saved, slots[slot]);
  }
}

/** What cannot be removed now is tried again by the next command on the container. */
async function removeOrWarn(context: Context, path: string): Promise<void> {
  try {
    await removeTree(context, path);
  } catch (error) {
    if (!(error instanceof AtomicError)) throw error;
    warn(context, error.line);
  }
}

/** Puts what a slot held before in its place again. */
async function bringBack(context: Context, saved: string, slot: string): Promise<void> {
  if (isDirectory(slot)) await removeOrWarn(context, slot);
  if (exists(slot)) return;
  const isEmpty = (await readdir(saved)).length === 0;
  if (isEmpty) await removeOrWarn(context, saved);
  else await rename(saved, slot);
}

/**
 * Makes sure that nothing is mounted in the deployments of a container, so that they can be removed.
 *
 * @throws AtomicError that names the mount point
 */
export function requireNoMountedSlots({ slots, saved }: Container): void {
  for (const path of [...slots, ...SLOTS.map(saved)]) if (isDirectory(path)) requireNoMounts(path);
}

/**
 * Removes the deployments of a container; its link has to be gone. What has the name of a slot, and is no directory, is
 * another's.
 *
 * @returns what is in the way, one line each
 */
export async function removeSlots(context: Context, { slots, saved }: Container): Promise<readonly string[]> {
  const problems: string[] = [];
  for (const path of [...slots, ...SLOTS.map(saved)].filter(isDirectory)) {
    try {
      await removeTree(context, path);
    } catch (error) {
      if (!(error instanceof AtomicError)) throw error;
      problems.push(error.message);
    }
  }
  return problems;
}
