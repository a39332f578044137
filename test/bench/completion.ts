import { join } from 'node:path';
import { PROJECT } from '../support/box.ts';
import { type Comparison, compare } from './measure.ts';
import { succeedHere } from './succeed.ts';

/** What a shell waits for after Tab: a list of names, against bare node. */
export async function completion(): Promise<readonly Comparison[]> {
  const ours = { work: () => succeedHere(`${join(PROJECT, 'bin/atomic')} __complete names`) };
  const baseline = { work: () => succeedHere('node -e 0') };
  return [await compare('completion', { ours, baseline, rounds: 15, goal: 2.5 })];
}
