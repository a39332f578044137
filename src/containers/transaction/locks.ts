/** The locks of containers. They are the kernel's, and end with the process at the latest. */
import type { Context } from '../../context.ts';
import { takeLock } from '../../host/files/lock.ts';
import { type Container, containerOf } from '../deployments/container.ts';
import { type ContainerName, isContainerName } from '../deployments/name.ts';
import { dependantsOf } from '../deployments/shared-rootfs.ts';

/** Takes the locks of containers, in this order; disposing of the result frees them. */
export async function lockContainers(
  context: Context,
  containers: readonly Container[],
): Promise<AsyncDisposable> {
  const locks: AsyncDisposable[] = [];
  const release = async () => {
    for (const lock of locks.toReversed()) await lock[Symbol.asyncDispose]();
  };
  try {
    for (const { name, lock } of containers) {
      const text = `Waiting for another atomic command on '${name}' to finish`;
      locks.push(await takeLock(context, lock, () => context.report({ kind: 'waiting', text })));
    }
  } catch (error) {
    await release();
    throw error;
  }
  return { [Symbol.asyncDispose]: release };
}

/**
 * Locks the containers that share the root file system of one that is locked, those first that others follow. Nobody
 * waits in a circle: who has the lock of a container waits for those only that depend on it.
 */
export async function lockDependants(context: Context, container: Container): Promise<AsyncDisposable> {
  for (;;) {
    const names = dependantNames(context, container);
    const locks = await lockContainers(
      context,
      names.map((name) => containerOf(context, name)),
    );
    // others may have come while we waited
    if (dependantNames(context, container).every((name) => names.includes(name))) return locks;
    await locks[Symbol.asyncDispose]();
  }
}

function dependantNames(context: Context, container: Container): readonly ContainerName[] {
  const quiet = { ...context, report: () => undefined };
  return dependantsOf(quiet, container)
    .map(({ name }) => name)
    .filter(isContainerName);
}
