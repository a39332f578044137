/** Prints the lines about single host files that scripts know, with names made safe for a terminal. */
import type { Context } from '../../context.ts';
import { AtomicError, lineOf } from '../../errors.ts';
import type { Owners } from './owners.ts';

type Reporter = Pick<Context, 'report'>;

/** A path with its control characters written out. */
export function printable(path: string): string {
  return path.replaceAll(/\p{Cc}/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return `\\x${code.toString(16).padStart(2, '0')}`;
  });
}

export function noteExists({ report }: Reporter, path: string, owners: Owners): void {
  report({ kind: 'note', text: `File ${printable(path)} already exists` });
  const names = owners.namesOf(path).map((name) => `'${name}'`);
  if (names.length === 0) return;
  const whose = `${names.length === 1 ? 'the container' : 'the containers'} ${names.join(', ')}`;
  report({ kind: 'note', text: `${printable(path)} belongs to ${whose}` });
}

export function noteModified({ report }: Reporter, path: string): void {
  report({ kind: 'note', text: `Will not delete ${printable(path)} as it was manually modified.` });
}

export function noteCreated({ report }: Reporter, path: string): void {
  report({ kind: 'created-file', path: printable(path) });
}

/** Something about one file that stops nothing. */
export function warnAbout({ report }: Reporter, what: string, error: unknown): void {
  report({ kind: 'warning', text: `${what}: ${printable(lineOf(error))}` });
}

/** The error of one file that cannot get its place. */
export function cannotPut(path: string, cause: unknown): AtomicError {
  return errorOf(`cannot put ${printable(path)} on the host`, cause);
}

/** The error of one file that cannot be removed. */
export function cannotRemove(path: string, cause: unknown): AtomicError {
  return errorOf(`cannot remove ${printable(path)} from the host`, cause);
}

function errorOf(what: string, cause: unknown): AtomicError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new AtomicError(`${what}: ${printable(reason)}`, cause instanceof AtomicError ? {} : { cause });
}
