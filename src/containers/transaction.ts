/** One command at a time on a container, and the recovery of what a killed one left. */
import { readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import type { Context } from '../context.ts';
import { isErrno } from '../errors.ts';
import { exists, readIfPresent, removeIfPresent, replaceFile, syncFolder } from '../host/files.ts';
import { takeLock } from '../host/lock.ts';
import { activate, deactivate } from './activate.ts';
import { activePath, containerPaths } from './deployment.ts';
import type { ContainerName } from './name.ts';

/** What a command writes down before it touches anything that the next command could find half-done. */
const Pending = z.object({ operation: z.enum(['install', 'uninstall']), runtime: z.string() });

export type Pending = z.infer<typeof Pending>;

/**
 * Runs `body` as the only command on the container `name`, after finishing or undoing what an earlier one that was
 * killed left. The lock is the kernel's: it ends with the process.
 */
export async function withContainer<Result>(
  context: Context,
  name: ContainerName,
  body: () => Promise<Result>,
): Promise<Result> {
  const waiting = {
    kind: 'waiting',
    text: `Waiting for another atomic command on '${name}' to end`,
  } as const;
  const lockFile = join(context.paths.locks, `${name}.lock`);
  await using _lock = await takeLock(context, lockFile, () => context.report(waiting));
  await recover(context, name);
  return await body();
}

/** Puts the pending marker of a container on disk. */
export async function markPending(context: Context, name: ContainerName, pending: Pending): Promise<void> {
  await replaceFile(markerOf(context, name), `${JSON.stringify(pending)}\n`, 0o600);
}

/** Removes the pending marker: the host agrees with the link again. */
export async function clearPending(context: Context, name: ContainerName): Promise<void> {
  const marker = markerOf(context, name);
  if (await removeIfPresent(marker)) await syncFolder(dirname(marker));
}

/** The folder in which a deployment is built before it gets its name. */
export function stagingPath({ paths }: Context, name: ContainerName, slot: 0 | 1): string {
  return join(paths.checkouts, `.${name}.${slot}.new`);
}

/** Whether a command on the container is under way, or was cut short. */
export function isPending(context: Context, name: ContainerName): boolean {
  return exists(markerOf(context, name));
}

function markerOf({ paths }: Context, name: ContainerName): string {
  return join(paths.checkouts, `.${name}.pending`);
}

/**
 * One rule: the state of the host is a function of the link. With a marker pending, what the link points to is
 * activated; when it points nowhere, everything of that name is taken away.
 */
async function recover(context: Context, name: ContainerName): Promise<void> {
  const marker = readIfPresent(markerOf(context, name));
  await removeStaging(context, name);
  if (marker === undefined) return;
  const active = activePath(context, name);
  const quiet = { ...context, report: () => undefined };
  if (active === undefined) {
    await deactivate(quiet, name, runtimeOf(marker));
    await removeSlots(context, name);
  } else {
    await activate(quiet, name, active);
  }
  await clearPending(context, name);
  const outcome = active === undefined ? 'removed what it had left' : `finished the deployment ${active}`;
  context.report({
    kind: 'warning',
    text: `An earlier atomic command on '${name}' was cut short: ${outcome}`,
  });
}

function runtimeOf(marker: string): string | undefined {
  try {
    return Pending.parse(JSON.parse(marker)).runtime;
  } catch {
    return undefined;
  }
}

/** Removes the deployments of a container; its link has to be gone. */
export async function removeSlots(context: Context, name: ContainerName): Promise<void> {
  for (const slot of containerPaths(context, name).slots) await rm(slot, { recursive: true, force: true });
}

async function removeStaging(context: Context, name: ContainerName): Promise<void> {
  const prefixes = [0, 1].map((slot) => `.${name}.${slot}.new`);
  const entries = await readdir(context.paths.checkouts).catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) return [];
    throw error;
  });
  for (const entry of entries.filter((candidate) => prefixes.includes(candidate)))
    await rm(join(context.paths.checkouts, entry), { recursive: true, force: true });
}
