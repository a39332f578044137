/** Steps at which a test can make the program die, fail or hang; no effect otherwise. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Environment } from './config.ts';

/** Every place, in the order in which commands pass them. */
export const FAULT_POINTS = [
  'pull.begun',
  'pull.layer-staged',
  'pull.layer-imported',
  'pull.layers-imported',
  'pull.image-committed',
  'prepare.begun',
  'prepare.checked-out',
  'prepare.packaged',
  'prepare.written',
  'prepare.synced',
  'switch.marked',
  'switch.saved',
  'switch.placed',
  'switch.copied',
  'switch.followers',
  'switch.units',
  'switch.reloaded',
  'switch.noted',
  'switch.stopped',
  'switch.tmpfiles',
  'switch.host-files',
  'switch.package',
  'switch.linked',
  'switch.started',
  'switch.synced',
  'switch.settled',
  'switch.unmarked',
  'recover.staged',
  'recover.linked',
  'recover.host-files',
  'remove.marked',
  'remove.unlinked',
  'remove.stopped',
  'remove.host-files',
  'remove.package',
  'remove.unit',
  'remove.reloaded',
  'remove.tmpfiles',
  'remove.slots',
  'remove.unmarked',
  'prune.refs',
  'prune.objects',
  'mount.begun',
  'mount.extracted',
  'mount.done',
  'unmount.done',
] as const;

export type FaultPoint = (typeof FAULT_POINTS)[number];

/** Longer than any test waits, in milliseconds. */
const FOREVER = 2 ** 30;

/**
 * Does what `ATOMIC_TEST_FAULT=POINT:KIND` says when `point` is that point: `kill` sends SIGKILL to this process,
 * `hang` waits until it is interrupted, anything else, such as `ENOSPC`, fails as a system call would.
 */
export async function faultPoint(
  { env, signal }: { readonly env: Environment; readonly signal: AbortSignal },
  point: FaultPoint,
): Promise<void> {
  const fault = env.ATOMIC_TEST_FAULT;
  if (!fault?.startsWith(`${point}:`)) return;
  const kind = fault.slice(point.length + 1);
  if (kind === 'kill') process.kill(process.pid, 'SIGKILL');
  if (kind === 'kill' || kind === 'hang') await sleep(FOREVER, undefined, { signal }).catch(() => undefined);
  signal.throwIfAborted();
  throw Object.assign(new Error(`${kind}: a fault at ${point}`), { code: kind });
}
