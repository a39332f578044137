/** Gives every command its surroundings, its output and a context to work with. */
import type { Readable } from 'node:stream';
import type { CommandUnknownOpts } from 'commander';
import type { Context, Surroundings } from '../context.ts';
import { endWith } from './argparse.ts';
import type { Output } from './output/output.ts';
import { progressTo } from './output/progress.ts';
import { programOf } from './words.ts';

export interface Cli {
  readonly output: Output;
  /** Opens standard input: an open one can keep the process from ending. */
  readonly input: () => Readable;
  readonly surroundings: Surroundings;
  /** Whether standard input is a terminal. */
  readonly stdinIsTty: boolean;
}

/**
 * Opens a context and does a command's work with it. Only now the rest of the program is loaded, so that usage
 * errors and help are quick.
 *
 * @param work gives the exit status of the program: 0 when it gives none
 */
export async function perform(
  { output, surroundings }: Cli,
  command: CommandUnknownOpts,
  work: (context: Context) => Promise<number | undefined> | Promise<void>,
): Promise<void> {
  const options: Record<string, unknown> = command.optsWithGlobals();
  const isDebug = options.debug === true;
  if (isDebug) output.line(recordOf(command, options));
  const { openContext } = await import('../context.ts');
  const context = await openContext(surroundings, {
    report: progressTo(output),
    debug: isDebug ? output.warn : undefined,
  });
  endWith(command, (await work(context)) ?? 0);
}

/** compat: the line that the lists of images and containers show with `--debug`. */
export function showBackends({ output }: Cli, command: CommandUnknownOpts): void {
  if (command.optsWithGlobals().debug === true) output.write('Backends(ostree: Active, )\n\n');
}

/** The command line as it was understood, for `--debug`; a password does not belong there. */
function recordOf(command: CommandUnknownOpts, options: Record<string, unknown>): string {
  const hidden = options.srcCreds === undefined ? {} : { srcCreds: '***' };
  return JSON.stringify({ command: programOf(command), arguments: command.args, ...options, ...hidden });
}

/** Collects the values of an option that can be given several times. */
export function collect(value: string, previous: readonly string[]): readonly string[] {
  return [...previous, value];
}

/** Options that only ever mattered to docker: accepted, and without effect. */
export const DOCKER_OPTIONS = ['--opt1 <OPT1>', '--opt2 <OPT2>', '--opt3 <OPT3>'] as const;
