import { join } from 'node:path';
import { execa } from 'execa';
import { PROJECT } from '../support/box.ts';
import { type Comparison, compare } from './measure.ts';

/** What a shell waits for after Tab: a list of names, against bare node. */
export async function completion(): Promise<readonly Comparison[]> {
  const ours = { work: () => execa(join(PROJECT, 'bin/atomic'), ['__complete', 'names']) };
  const baseline = { work: () => execa('node', ['-e', '0']) };
  return [await compare('completion', { ours, baseline, rounds: 20, goal: 2.5 })];
}
