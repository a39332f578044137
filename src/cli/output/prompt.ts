/** Asks for confirmation before destructive commands. */
import type { Readable } from 'node:stream';
import { AtomicError, Declined } from '../../errors.ts';
import type { Output } from './output.ts';

/** What asking takes of a command's surroundings. */
export interface Asking {
  readonly output: Output;
  /** Opens standard input. */
  readonly input: () => Readable;
  readonly surroundings: { readonly signal: AbortSignal };
}

/** What a no means, and how a yes can be given without being asked. */
export interface Question {
  /** The message for a no. */
  readonly declined: string;
  /** The command that does not ask. */
  readonly unasked: string;
}

/**
 * Asks for a yes; anything but `y` and `yes` is a no.
 *
 * @throws Declined, or AtomicError when standard input ends without an answer
 */
export async function confirm(asking: Asking, { declined, unasked }: Question): Promise<void> {
  asking.output.write('\nConfirm (y/N) ');
  const answer = await readLine(asking, unasked);
  if (!['y', 'yes'].includes(answer.trim().toLowerCase())) throw new Declined(declined);
}

/** compat: input that ends without an answer is worded as Python does. */
async function readLine({ input, surroundings: { signal } }: Asking, unasked: string): Promise<string> {
  const { createInterface } = await import('node:readline');
  for await (const line of createInterface({ input: input(), signal })) return line;
  signal.throwIfAborted();
  throw new AtomicError('EOF when reading a line', { hint: `use '${unasked} …' to be asked nothing` });
}
