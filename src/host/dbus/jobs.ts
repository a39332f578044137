/** Has systemd start and stop units, by its own socket: a systemctl takes longer to start than a container to be changed. */
import type { Log } from '../../log.ts';
import { type JobResult, Manager } from './manager.ts';

/** What is needed of a host to ask its systemd. */
export interface Caller {
  /** Where it listens for us; absent when only systemctl(1) may ask it. */
  readonly managerSocket?: string | undefined;
  /** A connection that is kept for a while; without it, each job has its own. */
  readonly manager?: Manager | undefined;
  readonly user: { readonly uid: number };
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** A connection that jobs can share, to be disposed of; `undefined` where only systemctl(1) may ask systemd. */
export function openManager({ managerSocket, user }: Caller): Manager | undefined {
  return managerSocket === undefined ? undefined : new Manager(managerSocket, user.uid);
}

/**
 * Has systemd start or stop a unit, and waits for the end of that job.
 *
 * @param unit with its suffix
 * @returns how the job has ended; `undefined` when systemd cannot be asked this way, refuses, or goes away meanwhile:
 *   then systemctl(1) knows more
 * @throws Interrupted when a signal arrives while waiting; the job goes on
 */
export async function runJob(
  caller: Caller,
  method: 'StartUnit' | 'StopUnit',
  unit: string,
): Promise<JobResult | undefined> {
  const { signal, log } = caller;
  signal.throwIfAborted();
  const kept = caller.manager?.isBusy ? undefined : caller.manager;
  const manager = kept ?? openManager(caller);
  if (manager === undefined) return undefined;
  const began = performance.now();
  const abort = () => manager.close();
  signal.addEventListener('abort', abort);
  try {
    const result = await manager.run(method, unit);
    log.debug({ method, unit, result, milliseconds: Math.round(performance.now() - began) }, 'ran a job');
    return result;
  } catch (error) {
    signal.throwIfAborted();
    log.debug({ method, unit, error: String(error) }, 'systemd cannot be asked directly');
    return undefined;
  } finally {
    signal.removeEventListener('abort', abort);
    if (manager !== kept) manager.close();
  }
}
