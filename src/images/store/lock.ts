/** The lock that lets one command at a time write to the repository. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Context } from '../../context.ts';
import { takeLock } from '../../host/files/lock.ts';
import type { Paths } from '../../paths.ts';

/** Waits until nobody else writes to the repository; disposing of the lock lets the next one write. */
export async function lockRepository(context: Context): Promise<AsyncDisposable> {
  const text = 'Waiting for another atomic command to finish writing to the repository';
  return await takeLock(context, lockFile(context.paths), () => context.report({ kind: 'waiting', text }));
}

/** The dot keeps it apart from the locks of containers. */
function lockFile({ locks, repository }: Paths): string {
  const key = createHash('sha256').update(repository).digest('hex').slice(0, 16);
  return join(locks, `.repository-${key}.lock`);
}
