import { join } from 'node:path';
import { execa } from 'execa';
import { PROJECT } from '../support/box.ts';
import { type Figure, ratio } from './measure.ts';

/** Start-up: `atomic --version` against bare node. Goal: 1.4. */
export async function startup(): Promise<Figure[]> {
  const ours = { work: () => execa(join(PROJECT, 'bin/atomic'), ['--version']) };
  return await ratio('startup', ours, { work: () => execa('node', ['-e', '0']) }, 40);
}
