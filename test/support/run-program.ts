/** Runs a program for a test, and says what came of it. */
import { execa } from 'execa';

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** Milliseconds until the program is killed. */
  readonly timeout?: number;
}

/** What a program in the box said; `exitCode` is 124 when it had to be killed. */
export interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/** Longer than anything takes that does not hang, on a slow machine, too. */
const PATIENCE = 240_000;

/** Runs a program with a small environment and waits for it; never throws for an exit status. */
export async function runProgram(argv: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const [program = '', ...args] = argv;
  const result = await execa(program, args, {
    reject: false,
    stripFinalNewline: false,
    timeout: options.timeout ?? PATIENCE,
    killSignal: 'SIGKILL',
    cwd: '/',
    extendEnv: false,
    env: {
      PATH: `/usr/local/bin:/usr/bin:/usr/sbin:/bin:/sbin:${process.env.PATH}`,
      HOME: '/root',
      ...options.env,
    },
    ...(options.input === undefined ? { stdin: 'ignore' as const } : { input: options.input }),
  });
  const { stdout = '', stderr = '', timedOut } = result;
  return {
    stdout: String(stdout),
    stderr: String(stderr),
    exitCode: timedOut ? 124 : (result.exitCode ?? 255),
  };
}
