/** When the power is cut: at random moments of a command, and right after it has said that it is done. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Box, Outcome } from '../support/box.ts';
import type { Cut, Disk } from '../support/disk.ts';

/** `POWER_CUT_SEED` repeats the moments of an earlier run, as far as the machine is as quick. */
export const SEED = Number(process.env.POWER_CUT_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** Numbers in [0, 1) that follow from a seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface TimedCut {
  readonly cut: Cut;
  /** Whether the command had ended with status 0 by then. */
  readonly isAfter: boolean;
  /** Milliseconds since the command began. */
  readonly at: number;
}

/** How long a command took the last time, in milliseconds. */
const durations = new Map<string, number>();

/**
 * Runs a command in a box, and cuts the power of its disk `count` times while it runs and once when it is done. The box
 * itself notices nothing of it.
 */
export async function cutDuring(
  { box, disk, random }: { box: Box; disk: Disk; random: () => number },
  { name, line, count }: { name: string; line: string; count: number },
): Promise<{ outcome: Outcome; cuts: readonly TimedCut[] }> {
  const expected = durations.get(name) ?? 800;
  const moments = Array.from({ length: count }, () => random() * expected).sort((a, b) => a - b);
  const begun = performance.now();
  let isRunning = true;
  const running = box.sh(line).finally(() => {
    isRunning = false;
  });
  const cuts: TimedCut[] = [];
  for (const moment of moments) {
    await Promise.race([running, sleep(Math.max(0, begun + moment - performance.now()))]);
    if (!isRunning) break;
    cuts.push({ cut: await disk.cut(), isAfter: false, at: performance.now() - begun });
  }
  const outcome = await running;
  durations.set(name, performance.now() - begun);
  cuts.push({ cut: await disk.cut(), isAfter: true, at: performance.now() - begun });
  return { outcome, cuts };
}
