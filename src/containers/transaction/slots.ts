/** The two slots of a container while they change: every step is one rename, and can be finished or undone later. */
import { mkdir, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context } from '../../context.ts';
import { faultPoint } from '../../faults.ts';
import {
  entriesIfPresent,
  exists,
  removeTemporary,
  removeTree,
  replaceLink,
  syncPath,
} from '../../host/files/files.ts';
import { activePath, containerPaths, type Slot } from '../deployments/deployment.ts';
import type { ContainerName } from '../deployments/name.ts';

const SLOTS: readonly Slot[] = [0, 1];

/**
 * The folder in which this process builds a deployment before it gets its name. Not that of another process: when one
 * is killed, the program that it had started can go on writing for a while.
 */
export function stagingPath({ paths }: Context, name: ContainerName, slot: Slot): string {
  return join(paths.checkouts, `${stagingPrefix(name, slot)}${process.pid}`);
}

function stagingPrefix(name: ContainerName, slot: Slot): string {
  return `.${name}.${slot}.new-`;
}

/** What a slot held before: kept until the new deployment is committed; an empty folder when it held nothing. */
function savedPath({ paths }: Context, name: ContainerName, slot: Slot): string {
  return join(paths.checkouts, `.${name}.${slot}.old`);
}

/** Gives a deployment that was built aside its place; the one that was there is kept until {@link settleSlots}. */
export async function placeDeployment(context: Context, name: ContainerName, slot: Slot): Promise<void> {
  const destination = containerPaths(context, name).slots[slot];
  const saved = savedPath(context, name, slot);
  if (exists(destination)) await rename(destination, saved);
  else await mkdir(saved);
  await syncPath(context.paths.checkouts);
  await faultPoint(context, 'commit.slot-saved');
  await rename(stagingPath(context, name, slot), destination);
  await syncPath(context.paths.checkouts);
  await faultPoint(context, 'commit.placed');
}

/** Makes the deployment in `path` the container's own: this rename is the commit point of every change. */
export async function pointTo(context: Context, name: ContainerName, path: string): Promise<void> {
  await replaceLink(containerPaths(context, name).link, path);
  await faultPoint(context, 'commit.linked');
}

/** Ends a change of the slots: what the link points to stays, and a deployment that it replaced goes for good. */
export async function settleSlots(context: Context, name: ContainerName): Promise<void> {
  const { slots, link } = containerPaths(context, name);
  await removeTemporary(link);
  const active = activePath(context, name);
  const entries = entriesIfPresent(context.paths.checkouts).map((entry) => entry.name);
  for (const slot of SLOTS) {
    const saved = savedPath(context, name, slot);
    const unfinished = entries.filter((entry) => entry.startsWith(stagingPrefix(name, slot)));
    for (const entry of unfinished) await removeTree(join(context.paths.checkouts, entry));
    if (!exists(saved)) continue;
    if (active === slots[slot]) await removeTree(saved);
    else await bringBack(saved, slots[slot]);
  }
}

async function bringBack(saved: string, slot: string): Promise<void> {
  await removeTree(slot);
  const isEmpty = (await readdir(saved)).length === 0;
  if (isEmpty) await removeTree(saved);
  else await rename(saved, slot);
}

/** Removes the deployments of a container; its link has to be gone. */
export async function removeSlots(context: Context, name: ContainerName): Promise<void> {
  for (const slot of SLOTS) {
    await removeTree(containerPaths(context, name).slots[slot]);
    await removeTree(savedPath(context, name, slot));
  }
}
