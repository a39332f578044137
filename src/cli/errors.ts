/** Decides how an error looks and which exit status it has. */
import { AtomicError, interruptIn, isErrno, lineOf, UsageError } from '../errors.ts';

export interface Explanation {
  readonly exitCode: number;
  /** For standard error. */
  readonly lines: readonly string[];
}

/**
 * Explains an error.
 *
 * @param verb the command as typed, such as `install`
 */
export function explain(error: unknown, { verb, isRoot }: { verb: string; isRoot: boolean }): Explanation {
  if (error instanceof UsageError) {
    const lines = [
      `${error.program}: ${error.message}`,
      `Try '${error.program} --help' for more information.`,
      ...(error.hint === undefined ? [] : [error.hint]),
    ];
    return { exitCode: error.exitCode, lines };
  }
  const interrupt = interruptIn(error);
  if (interrupt !== undefined) return { exitCode: interrupt.exitCode, lines: [] };
  const lines = [lineOf(error)];
  const saysWhatToDo = error instanceof AtomicError && error.hint !== undefined;
  if (!isRoot && !saysWhatToDo && isDenied(error))
    lines.push(`Some operations for '${verb}' require root access.`);
  return { exitCode: error instanceof AtomicError ? error.exitCode : 1, lines };
}

/** Whether the error, or what caused it, is about permissions. */
function isDenied(error: unknown): boolean {
  if (isErrno(error, 'EACCES', 'EPERM')) return true;
  return error instanceof Error && (/permission denied/i.test(error.message) || isDenied(error.cause));
}

/** The error with its causes and their stacks, line by line, for `--debug`. */
export function stackOf(error: unknown): readonly string[] {
  if (!(error instanceof Error)) return [String(error)];
  const own = (error.stack ?? error.message).split('\n');
  if (error.cause === undefined) return own;
  const [first, ...rest] = stackOf(error.cause);
  return [...own, `caused by: ${first}`, ...rest];
}
