/** Options of `atomic containers rollback` and `atomic rollback`. */
import type { CommandUnknownOpts } from 'commander';
import { type Cli, perform } from '../cli.ts';

/** `atomic containers rollback`, and `atomic rollback`: back to the other deployment. */
export function addRollback(parent: CommandUnknownOpts, cli: Cli): void {
  parent
    .command('rollback')
    .description('switch to the other deployment')
    .argument('<container>', 'name of the container')
    .option('--display', 'show what would be done')
    .action((name, options, self) =>
      perform(cli, self, async (context) => {
        const { rollBackContainer } = await import('../../containers/rollback.ts');
        await rollBackContainer(context, { name, isDryRun: options.display === true });
      }),
    );
}
