/** From the process to the program and back: the only place that reads the one and decides how it ends. */
import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { isatty } from 'node:tty';
import { runCommandLine } from './cli/argparse.ts';
import type { Cli } from './cli/cli.ts';
import { explain, stackOf } from './cli/errors.ts';
import type { Output } from './cli/output/output.ts';
import { createProgram } from './cli/program.ts';
import { Interrupted, isErrno } from './errors.ts';

/** Aborted by the first signal that asks us to stop; what is under way is then undone before the process ends. */
function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => controller.abort(new Interrupted(signal)));
  }
  return controller.signal;
}

function standardOutput(): Output {
  // a reader that has seen enough, such as head(1), is no error
  process.stdout.on('error', (error) => {
    if (!isErrno(error, 'EPIPE')) throw error;
  });
  return {
    line: (text) => process.stdout.write(`${text}\n`),
    write: (text) => process.stdout.write(text),
    warn: (text) => process.stderr.write(`${text}\n`),
    isScreen: isatty(1),
    isTerminal: isatty(2),
  };
}

async function main(argv: readonly string[]): Promise<void> {
  const output = standardOutput();
  const uid = process.geteuid?.() ?? 0;
  const user = { uid, gid: process.getegid?.() ?? 0, home: process.env.HOME || homedir(), isRoot: uid === 0 };
  const program = resolve(process.argv[1] ?? 'atomic');
  const cli: Cli = {
    output,
    input: () => process.stdin,
    surroundings: { env: process.env, user, cwd: process.cwd(), program, signal: interruptSignal() },
    hasTerminal: isatty(0),
  };
  try {
    process.exitCode = await runCommandLine(createProgram(cli), argv);
  } catch (error) {
    const verb = argv.find((word) => !word.startsWith('-')) ?? 'atomic';
    const { exitCode, lines } = explain(error, { verb, isRoot: user.isRoot });
    for (const line of lines) output.warn(line);
    if (argv.includes('--debug')) output.warn(stackOf(error));
    process.exitCode = exitCode;
  }
}

void main(process.argv.slice(2));
