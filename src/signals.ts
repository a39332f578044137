/** The signals that ask the program to stop. */
import { constants } from 'node:os';
import { Interrupted } from './errors.ts';

const STOPPING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** What a shell lets a program ignore that is to outlive it: nohup(1), and background jobs of scripts. */
const IGNORABLE = [...STOPPING, 'SIGQUIT'] as const;

export interface Signals {
  /** Aborted, with an `Interrupted` as its reason, by the first signal that asks to stop. */
  readonly signal: AbortSignal;
  readonly ignoresSignals: boolean;
  /** From now on such a signal ends the process at once. */
  stopListening(): void;
}

/**
 * Listens to the signals of this process.
 *
 * @param mask the line `SigIgn` of proc(5), as the process had it before Node, which sets all signals to their
 *   defaults: what was ignored then is ignored now
 */
export function listenToSignals(mask: string | undefined): Signals {
  const controller = new AbortController();
  const ignored = IGNORABLE.filter((name) => isInMask(mask, constants.signals[name]));
  const heard = STOPPING.filter((name) => !ignored.includes(name));
  const stop = (name: NodeJS.Signals) => controller.abort(new Interrupted(name as (typeof STOPPING)[number]));
  // without a handler, the signal would end the process
  for (const name of ignored) process.on(name, () => undefined);
  for (const name of heard) process.on(name, stop);
  return {
    signal: controller.signal,
    ignoresSignals: ignored.length > 0,
    stopListening: () => {
      for (const name of heard) process.off(name, stop);
    },
  };
}

/** Bit 0 is signal 1. */
function isInMask(mask: string | undefined, signal: number): boolean {
  if (mask === undefined || !/^[\da-f]{1,16}$/i.test(mask)) return false;
  return ((BigInt(`0x${mask}`) >> BigInt(signal - 1)) & 1n) === 1n;
}
