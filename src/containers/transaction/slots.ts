/** Changes the two slots of a container; every step is one rename that can be finished or undone later. */
import { mkdir, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context } from '../../context.ts';
import { faultPoint } from '../../faults.ts';
import { entriesIfPresent, exists, removeTemporary, replaceLink, syncPath } from '../../host/files/files.ts';
import { removeTree } from '../../host/files/remove-tree.ts';
import { activePath, type Container, isStagingOf, type Slot } from '../deployments/container.ts';

const SLOTS: readonly Slot[] = [0, 1];

/** Gives a deployment that was built aside its place; the one that was there is kept until {@link settleSlots}. */
export async function placeDeployment(context: Context, container: Container, slot: Slot): Promise<void> {
  const destination = container.slots[slot];
  const saved = container.saved(slot);
  if (exists(destination)) await rename(destination, saved);
  else await mkdir(saved);
  await syncPath(container.directory);
  await faultPoint(context, 'commit.slot-saved');
  await rename(container.staging(slot), destination);
  await syncPath(container.directory);
  await faultPoint(context, 'commit.placed');
}

/** Makes the deployment in `path` the container's own: this rename is the commit point of every change. */
export async function pointTo(context: Context, { link }: Container, path: string): Promise<void> {
  await replaceLink(link, path);
  await faultPoint(context, 'commit.linked');
}

/** Ends a change of the slots: what the link points to stays, and a deployment that it replaced goes for good. */
export async function settleSlots(context: Context, container: Container): Promise<void> {
  const { slots, link, directory } = container;
  await removeTemporary(link);
  const active = activePath(container);
  const entries = entriesIfPresent(directory).map((entry) => entry.name);
  for (const slot of SLOTS) {
    const saved = container.saved(slot);
    const unfinished = entries.filter((entry) => isStagingOf(container, slot, entry));
    for (const entry of unfinished) await removeTree(context, join(directory, entry));
    if (!exists(saved)) continue;
    if (active === slots[slot]) await removeTree(context, saved);
    else await bringBack(context, saved, slots[slot]);
  }
}

async function bringBack(context: Context, saved: string, slot: string): Promise<void> {
  await removeTree(context, slot);
  const isEmpty = (await readdir(saved)).length === 0;
  if (isEmpty) await removeTree(context, saved);
  else await rename(saved, slot);
}

/** Removes the deployments of a container; its link has to be gone. */
export async function removeSlots(context: Context, { slots, saved }: Container): Promise<void> {
  for (const slot of SLOTS) {
    await removeTree(context, slots[slot]);
    await removeTree(context, saved(slot));
  }
}
