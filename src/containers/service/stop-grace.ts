/** Stops a service whose container may ignore SIGTERM. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from '../../context.ts';
import { killContainer } from '../../host/runtime.ts';
import { hasStopTimeout, STOP_GRACE_SECONDS } from '../rendering/unit.ts';

export interface StopRequest {
  readonly name: string;
  readonly runtime: string | undefined;
  /** The text of the installed unit. */
  readonly unit: string;
}

/**
 * Runs `stop`, a systemctl call; kills the container after the grace period, since its own main process may ignore
 * SIGTERM in a scope that systemd does not count to the unit. Units that set their own time, as all that we write
 * do, are left to systemd: this is for those of the Python tool.
 */
export async function withStopGrace(
  context: Context,
  { name, runtime, unit }: StopRequest,
  stop: () => Promise<unknown>,
): Promise<void> {
  if (runtime === undefined || hasStopTimeout(unit)) {
    await stop();
    return;
  }
  const timer = new AbortController();
  const watch = sleep(STOP_GRACE_SECONDS * 1000, 'late' as const, { signal: timer.signal })
    .then(() => killContainer(context, runtime, name))
    .catch((error: unknown) => {
      if (!timer.signal.aborted) throw error;
    });
  try {
    await stop();
  } finally {
    timer.abort();
  }
  await watch;
}
