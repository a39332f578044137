/** What every command works with: the way to the person and to the domain. */
import type { Readable } from 'node:stream';
import type { CommandUnknownOpts } from 'commander';
import type { Context, Surroundings } from '../context.ts';
import { AtomicError } from '../errors.ts';
import { programOf } from './argparse.ts';
import type { Output } from './output/output.ts';
import { progressTo } from './output/progress.ts';

export interface Cli {
  readonly output: Output;
  /** Opens standard input: an open one can keep the process from ending. */
  readonly input: () => Readable;
  readonly surroundings: Surroundings;
  /** Whether standard input is a terminal. */
  readonly hasTerminal: boolean;
}

/**
 * Opens a context and does a command's work with it. Only now the rest of the program is loaded, so that usage
 * errors and help are quick.
 *
 * @throws ChildStatus when the work gives an exit status other than 0
 */
export async function perform(
  { output, surroundings }: Cli,
  command: CommandUnknownOpts,
  work: (context: Context) => Promise<unknown>,
): Promise<void> {
  const options: Record<string, unknown> = command.optsWithGlobals();
  const isDebug = options.debug === true;
  if (isDebug) output.line(recordOf(command, options));
  const { openContext } = await import('../context.ts');
  const context = await openContext(surroundings, { isDebug, report: progressTo(output) });
  const status = await work(context);
  if (typeof status === 'number' && status !== 0) throw new ChildStatus(status);
}

/** The command line as it was understood, for `--debug`; a password does not belong there. */
function recordOf(command: CommandUnknownOpts, options: Record<string, unknown>): string {
  const hidden = options.srcCreds === undefined ? {} : { srcCreds: '***' };
  return JSON.stringify({ command: programOf(command), arguments: command.args, ...options, ...hidden });
}

/** The exit status of a program that we ran for the person, who has seen what it said. */
export class ChildStatus extends AtomicError {
  constructor(exitCode: number) {
    super('', { exitCode });
  }
}

/** Collects the values of an option that can be given several times. */
export function collect(value: string, previous: readonly string[]): readonly string[] {
  return [...previous, value];
}

/** Options that only ever mattered to docker: accepted, and without effect. */
export const DOCKER_OPTIONS = ['--opt1 <OPT1>', '--opt2 <OPT2>', '--opt3 <OPT3>'] as const;
