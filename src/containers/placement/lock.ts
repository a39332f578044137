/** The lock under which one container at a time decides who owns a host file. */
import { join } from 'node:path';
import type { Context } from '../../context.ts';
import { takeLock } from '../../host/files/lock.ts';

/** Runs `body` while no other container's claims to files of the host change. Taken after the container's own lock. */
export async function withHostFilesLock<Result>(
  context: Context,
  body: () => Promise<Result>,
): Promise<Result> {
  const waiting = {
    kind: 'waiting',
    text: 'Waiting for another atomic command that changes host files',
  } as const;
  // no container can have a name that begins with a dot
  const file = join(context.paths.locks, '.host-files.lock');
  await using _lock = await takeLock(context, file, () => context.report(waiting));
  return await body();
}
