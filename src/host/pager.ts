/** less(1): a text screen by screen. */
import { ToolMissingError } from '../errors.ts';
import type { Host } from './host.ts';

/**
 * Shows a text on the terminal and waits until the person has seen enough.
 *
 * @returns whether there is a less(1)
 */
export async function page({ processes }: Host, text: string): Promise<boolean> {
  try {
    // -R: of escape sequences, only colours and the like reach the terminal
    await processes.interactive({ tool: '/usr/bin/less', args: ['-R'], input: text });
    return true;
  } catch (error) {
    if (!(error instanceof ToolMissingError)) throw error;
    return false;
  }
}
