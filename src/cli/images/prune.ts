/** Options of `atomic images prune`. */
import type { CommandUnknownOpts } from 'commander';
import { type Cli, perform } from '../cli.ts';
import { humanSize } from '../output/formats.ts';

/** `atomic images prune`. */
export function addImagesPrune(parent: CommandUnknownOpts, cli: Cli): void {
  parent
    .command('prune')
    .description('delete layers that neither an image nor a container needs')
    .action((_options, self) =>
      perform(cli, self, async (context) => {
        const { prune } = await import('../../containers/images-prune.ts');
        cli.output.line(`Freed ${humanSize(await prune(context)) || '0.0 B'}`);
      }),
    );
}
