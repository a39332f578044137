/** Asking before something goes that cannot be brought back. */
import { createInterface } from 'node:readline';
import { AtomicError, Declined } from '../../errors.ts';
import type { Cli } from '../cli.ts';

/**
 * Asks for a yes; anything but `y` and `yes` is a no.
 *
 * @param declined the message for a no
 * @throws Declined, or AtomicError when standard input ends without an answer
 */
export async function confirm(cli: Cli, declined: string): Promise<void> {
  cli.output.write('\nConfirm (y/N) ');
  const answer = await readLine(cli);
  if (!['y', 'yes'].includes(answer.trim().toLowerCase())) throw new Declined(declined);
}

async function readLine({ input, surroundings: { signal } }: Cli): Promise<string> {
  for await (const line of createInterface({ input: input(), signal })) return line;
  signal.throwIfAborted();
  throw new AtomicError('EOF when reading a line');
}
