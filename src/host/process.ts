/** The one place that runs programs. */
import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import type { Options } from 'execa';
import type { Environment } from '../config.ts';
import { Interrupted, ToolError, ToolMissingError } from '../errors.ts';
import type { Log } from '../log.ts';

/** A program to run; arguments are never seen by a shell. */
export interface ToolCall {
  readonly tool: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  /** Added to the environment of `atomic`. */
  readonly env?: Environment;
  /** Standard input; empty when absent. */
  readonly input?: string | Readable;
  /** File descriptors of ours that the program gets as 3, 4, … */
  readonly descriptors?: readonly number[];
  /** What the program starts goes on after it: then that must not hold our standard streams open. */
  readonly leavesBehind?: boolean;
  /** Exit statuses besides 0 that are an answer, not a failure. */
  readonly expected?: readonly number[];
  /** Ends the program when aborted, besides the signal of the whole run. */
  readonly signal?: AbortSignal;
}

export interface ToolOutput {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/**
 * Four ways to run a program, and no more. All that wait for it throw ToolMissingError, ToolError for one that cannot be started,
 * Interrupted, and the error of an input that broke off; `run` and `stream` also ToolError for one that failed.
 */
export interface Processes {
  /** Captures what the program says. */
  run(call: ToolCall): Promise<ToolOutput>;
  /** Hands on each line of the program's standard output when it comes, and captures its standard error. */
  stream(call: ToolCall, onLine: (line: string) => void): Promise<ToolOutput>;
  /** Gives the program our standard streams, and returns its exit status (256 - N after signal N). */
  interactive(call: ToolCall): Promise<number>;
  /**
   * Starts a program that outlives us, in a session of its own, with no output, and does not wait for it. Nobody learns
   * whether it could be started.
   *
   * @returns its standard input, which ends when we do
   */
  detached(call: Pick<ToolCall, 'tool' | 'args'>): Promise<Writable>;
  /** The same programs, in a session of their own and deaf to the interrupt: for undoing and finishing. */
  shielded(): Processes;
}

interface Settings {
  readonly env: Environment;
  readonly log: Log;
  /** Absent for a shielded runner. */
  readonly signal?: AbortSignal;
  /** Whether programs get a session of their own, so that signals to our process group do not reach them. */
  readonly isApart?: boolean;
}

export function createProcesses(settings: Settings): Processes {
  return {
    run: (call) => checked(settings, call, { stdout: 'pipe', stderr: 'pipe' }),
    stream: (call, onLine) => checked(settings, call, { stdout: byLine(onLine), stderr: 'pipe' }),
    interactive: async (call) => {
      const stream = call.leavesBehind === true ? 'ignore' : 'inherit';
      const streams = { stdin: stream, stdout: stream, stderr: stream } as const;
      return exitStatusOf(await execute(settings, call, streams));
    },
    detached: (call) => detach(settings, call),
    shielded: () => {
      const { signal: _, ...deaf } = settings;
      return createProcesses(deaf);
    },
  };
}

function byLine(onLine: (line: string) => void): Streams['stdout'] {
  return {
    // biome-ignore lint/correctness/useYield: execa's way to look at what passes; nothing is kept
    *transform(line: unknown) {
      onLine(line as string);
    },
  };
}

/** Loading it takes a tenth of what Node takes to start: commands that run no program do without. */
const load = async () => (await import('execa')).execa;

async function detach(
  { env, log }: Settings,
  { tool, args }: Pick<ToolCall, 'tool' | 'args'>,
): Promise<Writable> {
  const execa = await load();
  const child = execa(tool, args, {
    stdio: ['pipe', 'ignore', 'ignore'],
    cwd: '/',
    env: env as NodeJS.ProcessEnv,
    extendEnv: false,
    detached: true,
    cleanup: false,
    reject: false,
  });
  child.unref();
  child.stdin.on('error', () => undefined);
  log.debug({ argv: [tool, ...args] }, 'left a program to itself');
  return child.stdin;
}

interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
  readonly cause: unknown;
}

type Streams = Pick<Options, 'stdin' | 'stdout' | 'stderr'>;

async function checked(settings: Settings, call: ToolCall, streams: Streams): Promise<ToolOutput> {
  const outcome = await execute(settings, call, streams);
  const { stdout, stderr, exitCode } = outcome;
  if (exitCode === 0 || (exitCode !== undefined && call.expected?.includes(exitCode)))
    return { stdout, stderr, exitCode };
  throw new ToolError([call.tool, ...call.args], outcome, exitStatusOf(outcome), outcome.cause);
}

async function execute(settings: Settings, call: ToolCall, streams: Streams): Promise<Outcome> {
  const signals = [settings.signal, call.signal].filter((signal) => signal !== undefined);
  const execa = await load();
  // execa would start the program first, and it might be quicker than the signal that ends it
  const aborted = signals.find((signal) => signal.aborted);
  if (aborted !== undefined) throw reasonOf(aborted);
  const result = await execa(call.tool, call.args, {
    ...optionsOf(settings, call, streams),
    ...(signals.length === 0 ? {} : { cancelSignal: AbortSignal.any(signals) }),
  });
  const { exitCode, signal, cause } = result;
  const milliseconds = Math.round(result.durationMs);
  const argv = [call.tool, ...call.args];
  settings.log.debug({ argv, cwd: call.cwd, exitCode, signal, milliseconds }, 'ran a program');
  if (settings.signal?.aborted && result.failed) throw reasonOf(settings.signal);
  if (exitCode === undefined && signal === undefined) {
    if (result.code === 'ENOENT') throw new ToolMissingError(call.tool, { cause: result });
    throw new ToolError(argv, { exitCode, signal, stderr: result.originalMessage ?? '' }, 1, result);
  }
  // it ended well, but only because it was told to stop, or what it read or said was cut short
  if (exitCode === 0 && result.failed) throw cause;
  return { stdout: textOf(result.stdout), stderr: textOf(result.stderr), exitCode, signal, cause: result };
}

function optionsOf({ env, signal, isApart = false }: Settings, call: ToolCall, streams: Streams) {
  const stdio = [
    call.input === undefined ? (streams.stdin ?? 'ignore') : 'pipe',
    streams.stdout,
    streams.stderr,
    ...(call.descriptors ?? []),
  ];
  return {
    stdio: stdio as unknown as NonNullable<Options['stdio']>,
    ...(call.input === undefined ? {} : { input: call.input }),
    cwd: call.cwd ?? '/',
    env: { ...env, ...call.env } as NodeJS.ProcessEnv,
    extendEnv: false,
    // a program that talks to the person needs the session of the terminal
    detached: signal === undefined || (isApart && streams.stdin !== 'inherit'),
    reject: false,
    stripFinalNewline: false,
  } satisfies Options;
}

function textOf(output: unknown): string {
  return typeof output === 'string' ? output : '';
}

function reasonOf(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Interrupted('SIGINT');
}

/** compat: util.py:check_call hands on what Python has as a negative return code, cut to a byte. */
function exitStatusOf({ exitCode, signal }: Outcome): number {
  return exitCode ?? (signal === undefined ? 1 : 256 - signalNumber(signal));
}

function signalNumber(name: string): number {
  return (constants.signals as Record<string, number>)[name] ?? 1;
}
