/** Lets one command at a time work on a container. */
import type { Context } from '../../context.ts';
import type { Container } from '../deployments/container.ts';
import { lockContainers } from './locks.ts';
import { recover } from './recovery.ts';

/**
 * Runs `body` as the only command on a container, after finishing or undoing what an earlier one that was killed left.
 *
 * @param others containers that must not change either: they are locked before
 */
export async function withContainer<Result>(
  context: Context,
  container: Container,
  body: () => Promise<Result>,
  others: readonly Container[] = [],
): Promise<Result> {
  await using _locks = await lockContainers(context, [...others, container]);
  await recover(context, container);
  return await body();
}

/** Runs `body` as the only command on a container; what an earlier one left stays as it is. */
export async function withLock<Result>(
  context: Context,
  container: Container,
  body: () => Promise<Result>,
): Promise<Result> {
  await using _lock = await lockContainers(context, [container]);
  return await body();
}
