import { join } from 'node:path';
import { execa } from 'execa';
import { PROJECT } from '../support/box.ts';
import { type Comparison, compare } from './measure.ts';

/** Start-up: `atomic --version` against bare node. */
export async function startup(): Promise<readonly Comparison[]> {
  const ours = { work: () => execa(join(PROJECT, 'bin/atomic'), ['--version']) };
  const baseline = { work: () => execa('node', ['-e', '0']) };
  return [await compare('startup', { ours, baseline, rounds: 40, goal: 1.2 })];
}
