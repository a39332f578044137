import { join } from 'node:path';
import { PROJECT } from '../support/box.ts';
import { type Comparison, compare } from './measure.ts';
import { succeedHere } from './succeed.ts';

/** Start-up: `atomic --version` against bare node. */
export async function startup(): Promise<readonly Comparison[]> {
  const ours = { work: () => succeedHere(`${join(PROJECT, 'bin/atomic')} --version`) };
  const baseline = { work: () => succeedHere('node -e 0') };
  return [await compare('startup', { ours, baseline, rounds: 40, goal: 1.2 })];
}
