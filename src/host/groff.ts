/** groff(1): manual pages as text for a terminal. */
import type { Host } from './host.ts';

/**
 * Requests that read files (groff(7)): the safe mode refuses only those that write files or run programs. They are
 * removed before the page begins, so that no alias and no other spelling leads to them.
 */
const READING = ['so', 'soquiet', 'mso', 'msoquiet', 'nx', 'cf', 'trf', 'hpf', 'hpfa', 'psbb'];
const WITHOUT_FILES = READING.map((request) => `.rm ${request}\n`).join('');
/** The macros of man(7), by their names before and since groff 1.23; `-man` would load them when a page begins. */
const MACROS = '.mso an-old.tmac\n.if !d TH .mso an.tmac\n';

/**
 * Renders the source of a manual page for a terminal. A page can neither run programs nor open files: groff(1) runs in
 * its safe mode, and without the requests that read.
 *
 * @throws ToolMissingError when groff is not installed
 */
export async function renderManual(host: Host, source: string): Promise<string> {
  const args = ['-t', '-Tascii'];
  return (await host.processes.run({ tool: '/usr/bin/groff', args, input: MACROS + WITHOUT_FILES + source }))
    .stdout;
}
