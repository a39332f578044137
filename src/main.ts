/** Starts the program in this process, and decides with which exit status the process ends. */
import { statSync } from 'node:fs';
import { homedir } from 'node:os';
import { isatty } from 'node:tty';
import { runCommandLine } from './cli/argparse.ts';
import type { Cli } from './cli/cli.ts';
import { explain, stackOf } from './cli/errors.ts';
import { standardStreams } from './cli/output/standard-streams.ts';
import { createProgram } from './cli/program.ts';
import type { Environment } from './config.ts';
import { AtomicError } from './errors.ts';
import { listenToSignals } from './signals.ts';

type User = Cli['surroundings']['user'];

/** Where programs are looked up when nobody says where, as with `env -i`. */
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The environment for us and the programs that we run: without what bin/atomic handed over for us alone. */
function environment(
  { ATOMIC_IGNORED_SIGNALS: _, ATOMIC_PROGRAM: __, ...env }: Environment,
  user: User,
): Environment {
  return { ...env, ...runtimeDirectory(env, user), PATH: env.PATH || PATH };
}

/**
 * With su(1), and in jobs of cron, nobody says where the user's own systemd and the containers of his runtime are to be
 * found; pam_systemd(8) has them there.
 */
function runtimeDirectory({ XDG_RUNTIME_DIR }: Environment, { uid, isRoot }: User): Environment {
  const path = `/run/user/${uid}`;
  if (isRoot || XDG_RUNTIME_DIR || statSync(path, { throwIfNoEntry: false })?.uid !== uid) return {};
  return { XDG_RUNTIME_DIR: path };
}

function currentUser(env: Environment): User {
  const uid = process.geteuid?.() ?? 0;
  return { uid, gid: process.getegid?.() ?? 0, home: env.HOME || homeInDatabase(), isRoot: uid === 0 };
}

/** Some users are in no database, such as one that systemd or a runtime was given as a number. */
function homeInDatabase(): string {
  try {
    return homedir();
  } catch {
    return '/';
  }
}

/** @throws AtomicError when somebody has removed the current directory */
function currentDirectory(): string {
  try {
    return process.cwd();
  } catch (cause) {
    const hint = 'go to another one, or give an absolute path';
    throw new AtomicError('the current directory no longer exists', { hint, cause });
  }
}

async function main(argv: readonly string[]): Promise<void> {
  const terminals = { stdoutIsTty: isatty(1) };
  const { output, failure } = standardStreams(process, terminals);
  const signals = listenToSignals(process.env.ATOMIC_IGNORED_SIGNALS);
  const user = currentUser(process.env);
  const env = environment(process.env, user);
  const program = process.env.ATOMIC_PROGRAM || process.argv[1] || 'atomic';
  const { signal, ignoresSignals } = signals;
  const cli: Cli = {
    output,
    input: () => process.stdin,
    surroundings: { env, user, cwd: currentDirectory, program, signal, ignoresSignals },
    stdinIsTty: isatty(0),
  };
  // some streams tell only at the very end that they cannot be written to
  process.on('exit', (status) => {
    const error = failure();
    if (error === undefined || status !== 0) return;
    output.warn(`cannot write the output: ${error.message}`);
    process.exitCode = 1;
  });
  try {
    process.exitCode = await runCommandLine(createProgram(cli, argv), argv);
  } catch (error) {
    const verb = argv.find((word) => !word.startsWith('-')) ?? 'atomic';
    const { exitCode, lines } = explain(error, { verb, isRoot: user.isRoot });
    for (const line of lines) output.warn(line);
    if (argv.includes('--debug')) for (const line of stackOf(error)) output.warn(line);
    process.exitCode = exitCode;
  }
  // nothing is left that would have to be undone, but perhaps a reader who does not read
  signals.stopListening();
}

void main(process.argv.slice(2));
