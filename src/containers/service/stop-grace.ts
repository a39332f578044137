/** Stops a service whose container may ignore SIGTERM. */
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from '../../context.ts';
import { readIfPresent } from '../../host/files/files.ts';
import type { RuntimeRecord } from '../../host/runtime/record.ts';
import { containerState, killContainer } from '../../host/runtime/runtime.ts';
import type { Container } from '../deployments/container.ts';
import { stopsByTerm } from '../rendering/unit.ts';

/** Seconds between SIGTERM and SIGKILL for a process that cannot hear the first: what container engines grant. */
const STOP_GRACE_SECONDS = 10;

/** The container, and the runtime that has it. */
export interface GracefulStop {
  readonly container: Container;
  readonly runtime: string;
  /** What the runtime has written down of it, if that can be read. */
  readonly record: RuntimeRecord | undefined;
}

/**
 * Runs `stop`, a systemctl call. The kernel keeps SIGTERM from the first process of a container that has not asked for
 * it (pid_namespaces(7)), and waiting for it would only waste the time that its unit grants: such a container is killed
 * after ten seconds. One that listens has all the time that its unit gives it.
 */
export async function withStopGrace(
  context: Context,
  stopped: GracefulStop,
  stop: () => Promise<unknown>,
): Promise<void> {
  if (!(await isDeaf(context, stopped))) {
    await stop();
    return;
  }
  const timer = new AbortController();
  const kill = killLater(context, stopped, timer.signal);
  // awaited below; until then nobody else would notice its failure
  kill.catch(() => undefined);
  try {
    await stop();
  } finally {
    timer.abort();
  }
  await kill;
}

async function killLater(
  context: Context,
  { container, runtime }: GracefulStop,
  signal: AbortSignal,
): Promise<void> {
  try {
    await sleep(STOP_GRACE_SECONDS * 1000, undefined, { signal });
  } catch {
    return;
  }
  await killContainer(context, runtime, container.name);
}

async function isDeaf(context: Context, { container, runtime, record }: GracefulStop): Promise<boolean> {
  const text = readUnit(container.unit);
  if (!stopsByTerm(text)) return false;
  const { pid = 0 } = record ?? (await containerState(context, runtime, container.name)) ?? {};
  if (pid === 0) return false;
  const statuses = threadStatuses(pid);
  return statuses.length > 0 && !statuses.some(canHearTerm);
}

/** What is no readable file says nothing of how its service stops. */
function readUnit(path: string): string {
  try {
    return readIfPresent(path) ?? '';
  } catch {
    return '';
  }
}

/** /proc/PID/status of each thread: signals are blocked by threads, and one of them may wait for those (sigwait(3)). */
function threadStatuses(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(
      (thread) => readIfPresent(`/proc/${pid}/task/${thread}/status`) ?? '',
    );
  } catch {
    return [];
  }
}

/** Signal N is bit N - 1 of the masks (proc_pid_status(5)); SIGTERM is 15. */
const TERM = 1n << 14n;

/** Whether a thread catches SIGTERM, or blocks it, as those do that wait for it. */
export function canHearTerm(status: string): boolean {
  return ['SigCgt', 'SigBlk'].some((key) => {
    const mask = new RegExp(`^${key}:\\s*([0-9a-f]+)$`, 'm').exec(status)?.[1] ?? '0';
    return (BigInt(`0x${mask}`) & TERM) !== 0n;
  });
}
