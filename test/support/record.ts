/** Keeps what was run in a box, for somebody who wonders why a test failed. */
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Outcome, RunOptions } from './run-program.ts';

export type Run = (argv: readonly string[], options?: RunOptions) => Promise<Outcome>;

export interface Recorded {
  readonly run: Run;
  /** Keeps the journal of the box. */
  end(): Promise<void>;
}

/** Wraps `run` so that `directory` gets a file `commands`, a line for each; does nothing without a directory. */
export function recordOf(directory: string | undefined, run: Run): Recorded {
  if (directory === undefined) return { run, end: async () => {} };
  return {
    run: async (argv, options) => {
      const begun = performance.now();
      const outcome = await run(argv, options);
      const duration = Math.round(performance.now() - begun);
      appendFileSync(
        join(directory, 'commands'),
        `${duration} ms, status ${outcome.exitCode}: ${argv.join(' ').replaceAll(/\n\s*/g, '\\n')}\n`,
      );
      return outcome;
    },
    end: async () => {
      const { stdout } = await run(['journalctl', '--no-pager', '--output=short-precise']);
      writeFileSync(join(directory, 'journal'), stdout);
    },
  };
}
