/** One command at a time on a container. */
import { join } from 'node:path';
import type { Context } from '../../context.ts';
import { takeLock } from '../../host/files/lock.ts';
import type { ContainerName } from '../deployments/name.ts';
import { recover } from './recovery.ts';

/**
 * Runs `body` as the only command on the container `name`, after finishing or undoing what an earlier one that was
 * killed left.
 */
export async function withContainer<Result>(
  context: Context,
  name: ContainerName,
  body: () => Promise<Result>,
): Promise<Result> {
  return await withLock(context, name, async () => {
    await recover(context, name);
    return await body();
  });
}

/** Runs `body` as the only command on the container `name`. The lock is the kernel's: it ends with the process. */
export async function withLock<Result>(
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
  return await body();
}
