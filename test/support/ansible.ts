/** Plays Ansible's tasks in a box, with the modules that the distribution brings. */
import { z } from 'zod';
import type { Outcome } from './run-program.ts';

/** A task as Ansible has it: a module and its arguments. */
export type Task = Readonly<Record<string, unknown>>;

/** What became of one task. */
export interface Played {
  readonly changed: boolean;
  readonly failed: boolean;
  /** What the module returned, mostly what `atomic` had printed. */
  readonly msg: string;
}

const Results = z.object({
  plays: z.tuple([
    z.object({
      tasks: z.array(
        z.object({
          hosts: z.object({
            localhost: z.object({
              changed: z.boolean().default(false),
              failed: z.boolean().default(false),
              msg: z.string().default(''),
            }),
          }),
        }),
      ),
    }),
  ]),
});

/** The shell line that plays a playbook, and prints what came of each task as JSON. */
const PLAY =
  'ANSIBLE_STDOUT_CALLBACK=json ANSIBLE_LOCALHOST_WARNING=0 ANSIBLE_INVENTORY_UNPARSED_WARNING=0 ' +
  'ansible-playbook -i localhost, -c local -e ansible_python_interpreter=/usr/bin/python3';

/**
 * Plays tasks one after the other, also after one that failed.
 *
 * @param sh runs a line of shell as the user who plays
 * @returns what became of each task, in their order
 */
export async function play(
  sh: (line: string) => Promise<Outcome>,
  tasks: readonly Task[],
): Promise<readonly Played[]> {
  const playbook = [{ hosts: 'localhost', gather_facts: false, ignore_errors: true, tasks }];
  // YAML is a superset of JSON
  const text = JSON.stringify(playbook).replaceAll("'", "'\\''");
  const { stdout, stderr } = await sh(`f=$(mktemp) && printf %s '${text}' >$f && ${PLAY} $f; rm -f $f`);
  const begin = stdout.indexOf('{');
  if (begin < 0) throw new Error(`ansible-playbook says no results: ${stdout}${stderr}`);
  const [{ tasks: played }] = Results.parse(JSON.parse(stdout.slice(begin))).plays;
  return played.map(({ hosts }) => hosts.localhost);
}
