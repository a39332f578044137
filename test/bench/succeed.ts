/** Runs what is measured; what fails is not worth measuring. */
import type { Box } from '../support/box.ts';
import { type Outcome, runProgram } from '../support/run-program.ts';
import { Spent } from './measure.ts';

/** Bash measures it where it runs: the way into a box and back is no part of it. */
const TIMED = ['bash', '-c', `TIMEFORMAT='%3R %3U %3S'; time sh -c "$1"`, 'bash'];

/** Generous: making what is listed takes time, too. */
const PATIENCE = 300_000;

/** Runs a line of shell in a box. */
export async function succeed(box: Box, line: string): Promise<Spent> {
  return spentOn(line, await box.run([...TIMED, line], { timeout: PATIENCE, env: { LC_ALL: 'C' } }));
}

/** Runs a line of shell on this machine. */
export async function succeedHere(line: string, env: Readonly<Record<string, string>> = {}): Promise<Spent> {
  return spentOn(line, await runProgram([...TIMED, line], { env: { ...env, LC_ALL: 'C' } }));
}

function spentOn(line: string, { exitCode, stderr }: Outcome): Spent {
  const times = stderr.trim().split('\n').at(-1)?.split(' ').map(Number) ?? [];
  const [elapsed, user, system] = times;
  if (exitCode !== 0 || elapsed === undefined || user === undefined || system === undefined)
    throw new Error(`${line}\n${stderr}`);
  return new Spent(1000 * elapsed, 1000 * (user + system));
}
