/** Notices a download that has come to a standstill: skopeo waits for a registry for ever. */
import { setTimeout as sleep } from 'node:timers/promises';
import { AtomicError } from '../../errors.ts';
import { bytesIn } from '../../host/files/bytes-in.ts';

/** Seconds: longer than a registry that is only slow goes without sending anything. */
const PATIENCE = 120;

/**
 * Watches a directory until `signal` is aborted.
 *
 * @param shownAs what comes into it, for messages
 * @param second how long a second takes, in milliseconds; whoever was stopped meanwhile has not waited
 * @throws AtomicError when nothing has changed in it for two minutes
 */
export async function requireGrowth(
  directory: string,
  shownAs: string,
  signal: AbortSignal,
  second = 1000,
): Promise<void> {
  let size = 0;
  for (let waited = 0; waited < PATIENCE; waited++) {
    await sleep(second, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    const found = bytesIn(directory);
    if (found !== size) waited = 0;
    size = found;
  }
  throw new AtomicError(`cannot pull ${shownAs}: nothing has arrived for ${PATIENCE} seconds`, {
    hint: 'check the network and the registry, then pull again: what has arrived is kept',
  });
}
