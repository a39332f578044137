/** The kinds of errors, each with a message for people and an exit status. */

/** How the message of an error, its remedy and the exit status travel together. */
export interface ErrorDetails {
  /** What to do about it; printed after the message, on the same line. */
  readonly hint?: string;
  readonly exitCode?: number;
  readonly cause?: unknown;
}

/** The request cannot be met: the message is for people, one line, and names the file or the name at fault. */
export class AtomicError extends Error {
  readonly hint: string | undefined;
  readonly exitCode: number;

  constructor(message: string, { hint, exitCode = 1, cause }: ErrorDetails = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.hint = hint;
    this.exitCode = exitCode;
  }

  /** The message and the hint in one line, for people. */
  get line(): string {
    return onOneLine(this.hint === undefined ? this.message : withHint(this.message, this.hint));
  }
}

/** A message that is a sentence, as some of the Python tool's are, is followed by another one. */
function withHint(message: string, hint: string): string {
  if (!message.endsWith('.')) return `${message}; ${hint}`;
  return `${message} ${hint.charAt(0).toUpperCase()}${hint.slice(1)}`;
}

function onOneLine(text: string): string {
  return text.trim().replaceAll(/\s*\n\s*/g, ' ');
}

/** Node has no name for EDQUOT, which is 122 on Linux. */
const inWords = (message: string) =>
  message.replace(/^Unknown system error -122: [^,]*/, 'EDQUOT: disk quota exceeded');

/** What went wrong, in one line for people: with the hint, where there is one. */
export function lineOf(error: unknown): string {
  if (error instanceof AtomicError) return error.line;
  return onOneLine(error instanceof Error ? inWords(error.message) : String(error));
}

/** The command line itself is wrong: `<program>: <message>` and a pointer to `--help`, exit status 2. */
export class UsageError extends AtomicError {
  /** The command as typed, for instance `atomic images list`. */
  readonly program: string;

  /** @param hint a line of its own, such as the command that was probably meant */
  constructor(program: string, message: string, hint?: string) {
    super(message, { exitCode: 2, ...(hint === undefined ? {} : { hint }) });
    this.program = program;
  }
}

/** There is no image, or no container, of the name that was typed. */
export class NotFoundError extends AtomicError {
  /** As typed. */
  readonly subject: string;

  constructor(subject: string, message: string, details: ErrorDetails = {}) {
    super(message, details);
    this.subject = subject;
  }
}

/** The person said no at a prompt (exit status 2, as the Python tool has it). */
export class Declined extends AtomicError {
  constructor(message: string) {
    super(message, { exitCode: 2 });
  }
}

/**
 * A signal asked the program to stop; what had been begun is undone before this surfaces. It is not an AtomicError, so
 * that nothing that copes with failures copes with it.
 */
export class Interrupted extends Error {
  /** 128 and the number of the signal, as shells have it. */
  readonly exitCode: number;

  constructor(signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP') {
    super(`interrupted by ${signal}`);
    this.name = new.target.name;
    this.exitCode = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 }[signal];
  }
}

/** The interrupt that ended some work: `error` itself, or what made Node abort a wait or a stream. */
export function interruptIn(error: unknown): Interrupted | undefined {
  if (error instanceof Interrupted) return error;
  return error instanceof Error && error.name === 'AbortError' ? interruptIn(error.cause) : undefined;
}

/** A program that we need is not installed. */
export class ToolMissingError extends AtomicError {
  readonly tool: string;

  constructor(tool: string, details: ErrorDetails = {}) {
    super(`cannot run '${tool}': it is not installed`, {
      hint: `install the package that provides ${tool}`,
      ...details,
    });
    this.tool = tool;
  }
}

/** What a program that failed left behind; one that could not be started has neither exit status nor signal. */
export interface ToolFailure {
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
  /** What it said, or why it could not be started. */
  readonly stderr: string;
}

/**
 * A program ran and failed, or could not be started. Its exit status becomes ours (a signal N becomes 256 - N, as the
 * Python tool has it).
 */
export class ToolError extends AtomicError {
  readonly argv: readonly string[];
  readonly failure: ToolFailure;

  constructor(argv: readonly string[], failure: ToolFailure, exitCode: number, cause?: unknown) {
    super(`${argv[0]} ${howItEnded(failure)}: ${lastLines(failure.stderr) || argv.join(' ')}`, {
      exitCode,
      cause,
    });
    this.argv = argv;
    this.failure = failure;
  }
}

function howItEnded({ exitCode, signal }: ToolFailure): string {
  if (signal !== undefined) return `was killed by ${signal}`;
  return exitCode === undefined ? 'could not be started' : `failed with exit status ${exitCode}`;
}

/** The end of what a program said, on one line; programs put the reason last. */
function lastLines(stderr: string, limit = 1024): string {
  return stderr
    .trim()
    .slice(-limit)
    .replaceAll(/\s*\n\s*/g, '; ');
}

/** Whether `error` is a system error with one of these codes, such as `ENOENT`. */
export function isErrno(error: unknown, ...codes: string[]): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}

/** Whether `error` says that something could not be done, by us or by the system; bugs and interrupts are others. */
export function isFailure(error: unknown): error is Error {
  if (error instanceof AtomicError) return true;
  return (
    error instanceof Error &&
    'code' in error &&
    /^(E(?!RR_)|ERR_FS_|Unknown system error)/.test(String(error.code))
  );
}

/**
 * What `read` returns, or `undefined` when it fails for whatever reason: for listings, and for what goes on in any case.
 *
 * @param onFailure gets the reason
 */
export function ifPossible<Result>(
  read: () => Result,
  onFailure: (error: Error) => void = () => undefined,
): Result | undefined {
  try {
    return read();
  } catch (error) {
    if (!isFailure(error)) throw error;
    onFailure(error);
    return undefined;
  }
}

/**
 * What `read` returns, or `undefined` when it fails with an AtomicError: for things that may be missing or damaged. A
 * system error is thrown: what is deleted because nobody needs it is not to depend on a disk that failed just now.
 *
 * @param onFailure gets that error
 */
export function orUndefined<Result>(
  read: () => Result,
  onFailure: (error: AtomicError) => void = () => undefined,
): Result | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof AtomicError)) throw error;
    onFailure(error);
    return undefined;
  }
}
