/** Lets one command at a time work on a container. */
import type { Context } from '../../context.ts';
import { takeLock } from '../../host/files/lock.ts';
import type { Container } from '../deployments/container.ts';
import { recover } from './recovery.ts';

/**
 * Runs `body` as the only command on a container, after finishing or undoing what an earlier one that was
 * killed left.
 */
export async function withContainer<Result>(
  context: Context,
  container: Container,
  body: () => Promise<Result>,
): Promise<Result> {
  return await withLock(context, container, async () => {
    await recover(context, container);
    return await body();
  });
}

/** Runs `body` as the only command on a container. The lock is the kernel's: it ends with the process. */
export async function withLock<Result>(
  context: Context,
  { name, lock }: Container,
  body: () => Promise<Result>,
): Promise<Result> {
  const waiting = {
    kind: 'waiting',
    text: `Waiting for another atomic command on '${name}' to end`,
  } as const;
  await using _lock = await takeLock(context, lock, () => context.report(waiting));
  return await body();
}
