/** When the power is cut: at random moments of a command, and right after it has said that it is done. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Box, BoxStorage, Outcome } from '../support/box.ts';
import type { Cut, Disk } from '../support/disk.ts';

/** `POWER_CUT_SEED` repeats the choices of an earlier run, as far as the machine is as quick. */
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

/** Milliseconds between two cuts, on average: a copy takes a few. */
const PACE = 30;
/** How much likelier a cut is kept when a command had put down what it is about to do. */
const WEIGHT = 4;

/**
 * Runs a command in a box, and cuts the power of its disk again and again. The box itself notices nothing of it.
 *
 * @param count how many of the cuts are kept, at random, besides the one when the command is done
 */
export async function cutDuring(
  { box, disk, random }: { box: Box; disk: Disk; random: () => number },
  { line, count }: { line: string; count: number },
): Promise<{ outcome: Outcome; cuts: readonly TimedCut[] }> {
  const begun = performance.now();
  const cutNow = async (isAfter: boolean) => ({
    cut: await disk.cut(),
    isAfter,
    at: performance.now() - begun,
  });
  const command = { isRunning: true };
  const running = box.sh(line).finally(() => {
    command.isRunning = false;
  });
  let kept: { timed: TimedCut; key: number }[] = [];
  while (command.isRunning) {
    await Promise.race([running, sleep(2 * PACE * random())]);
    if (!command.isRunning) break;
    // the highest keys of a weighted choice (Efraimidis and Spirakis)
    const key = random() ** (1 / (isMarked(disk.storage) ? WEIGHT : 1));
    kept = [...kept, { timed: await cutNow(false), key }].sort((a, b) => b.key - a.key);
    for (const { timed } of kept.splice(count)) await timed.cut[Symbol.asyncDispose]();
  }
  const outcome = await running;
  return { outcome, cuts: [...kept.map(({ timed }) => timed), await cutNow(true)] };
}

function isMarked({ containers }: BoxStorage): boolean {
  return readdirSync(join(containers, 'atomic')).some((entry) => entry.endsWith('.pending'));
}
