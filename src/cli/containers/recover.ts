/** `atomic containers recover`: what atomic-recover.service runs; nobody types it, and no help shows it. */
import type { CommandUnknownOpts } from 'commander';
import { type Cli, perform } from '../cli.ts';

/** Adds the hidden `atomic containers recover`. */
export function addContainersRecover(parent: CommandUnknownOpts, cli: Cli): void {
  parent
    .command('recover', { hidden: true })
    .description('finish what a power cut left; run at boot')
    .action((_options, self) =>
      perform(cli, self, async (context) => {
        const { recoverContainers } = await import('../../containers/transaction/recover-all.ts');
        return (await recoverContainers(context)) ? 0 : 1;
      }),
    );
}
