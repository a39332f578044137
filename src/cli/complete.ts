/** `atomic __complete`: what the completions of the shells ask; nobody types it, and no help shows it. */
import type { CommandUnknownOpts } from 'commander';
import { type Cli, perform } from './cli.ts';

/** Adds the hidden `atomic __complete KIND [-- WORD...]`. */
export function addComplete(parent: CommandUnknownOpts, cli: Cli): void {
  parent
    .command('__complete', { hidden: true })
    .description('list names for the completion of a shell')
    .argument('<kind>', 'containers, images, names or variables')
    .argument('[words...]', 'what has been typed so far')
    .action((kind, words, _options, self) =>
      perform(cli, self, async (context) => {
        const { completionsOf } = await import('../containers/lookup/complete.ts');
        const silent = { ...context, report: () => undefined };
        for (const name of await completionsOf(silent, kind, words)) cli.output.line(name);
      }),
    );
}
