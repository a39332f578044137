/** Options of `atomic stop`. */
import type { CommandUnknownOpts } from 'commander';
import { type Cli, perform } from './cli.ts';

/** `atomic stop`: stops the service of a container. */
export function addStop(parent: CommandUnknownOpts, cli: Cli): void {
  parent
    .command('stop')
    .description('stop a container')
    .argument('<image>', 'name of the container')
    .argument('[args...]', 'for docker only; ignored')
    .option('--display', 'show what would be done')
    .action((name, _args, options, self) =>
      perform(cli, self, async (context) => {
        const { stopContainer } = await import('../containers/stop.ts');
        await stopContainer(context, { name, isDryRun: options.display === true });
      }),
    );
}
