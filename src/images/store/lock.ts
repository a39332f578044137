/** The lock of the repository: many may add to it at once, who deletes is alone. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Context } from '../../context.ts';
import { takeLock } from '../../host/files/lock.ts';
import type { Paths } from '../../paths.ts';

const WAITING = 'Waiting for another atomic command to finish writing to the repository';

/** Waits until nobody else writes to the repository; disposing of the lock lets the next one write. */
export async function lockRepository(context: Context): Promise<AsyncDisposable> {
  return await lock(context, { isShared: false });
}

/** Does some work that adds to the repository, with a share of the lock. */
export type Sharing = <Result>(work: () => Promise<Result>) => Promise<Result>;

/**
 * Shares the lock of the repository among the works of this command: it is taken when the first one begins and freed
 * whenever none is under way, so that nobody waits for us while we wait for the network.
 */
export function shareRepository(context: Context): Sharing {
  let works = 0;
  let held: Promise<AsyncDisposable> | undefined;
  return async (work) => {
    works++;
    held ??= lock(context, { isShared: true });
    const current = held;
    try {
      await current;
      return await work();
    } finally {
      if (--works === 0) {
        held = undefined;
        await current.then((one) => one[Symbol.asyncDispose]());
      }
    }
  };
}

async function lock(context: Context, mode: { isShared: boolean }): Promise<AsyncDisposable> {
  const onWait = () => context.report({ kind: 'waiting', text: WAITING });
  return await takeLock(context, lockFile(context.paths), onWait, mode);
}

/** The dot keeps it apart from the locks of containers. */
function lockFile({ locks, repository }: Paths): string {
  const key = createHash('sha256').update(repository).digest('hex').slice(0, 16);
  return join(locks, `.repository-${key}.lock`);
}
