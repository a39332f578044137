/** groff(1): manual pages as text for a terminal. */
import type { Host } from './host.ts';

/**
 * Renders the source of a manual page for a terminal; groff(1) runs in its safe mode, in which a page can neither run
 * programs nor open files.
 *
 * @throws ToolMissingError when groff is not installed
 */
export async function renderManual(host: Host, source: string): Promise<string> {
  const args = ['-t', '-man', '-Tascii'];
  return (await host.processes.run({ tool: '/usr/bin/groff', args, input: source })).stdout;
}
