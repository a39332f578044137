/** Shows long texts screen by screen. */
import type { Context } from '../../context.ts';
import { ToolMissingError } from '../../errors.ts';
import type { Output } from './output.ts';

/** Shows a text that may be long: on a terminal, screen by screen, with less(1) if there is one. */
export async function page({ processes }: Context, output: Output, text: string): Promise<void> {
  const print = () => output.write(`\n${text}\n`);
  if (!output.stdoutIsTty) return print();
  try {
    await processes.interactive({ tool: '/usr/bin/less', args: ['-R'], input: text });
  } catch (error) {
    if (!(error instanceof ToolMissingError)) throw error;
    print();
  }
}
