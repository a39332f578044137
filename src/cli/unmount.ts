/** Options of `atomic unmount`. */
import type { CommandUnknownOpts } from 'commander';
import { type Cli, perform } from './cli.ts';

/** `atomic unmount`: the reverse of `atomic mount`. */
export function addUnmount(parent: CommandUnknownOpts, cli: Cli): void {
  parent
    .command('unmount')
    .alias('umount')
    .description('unmount what atomic mount mounted')
    .argument('<mountpoint>', 'the directory')
    .action((folder, _options, self) =>
      perform(cli, self, async (context) => {
        const { unmountFrom } = await import('../containers/unmount.ts');
        await unmountFrom(context, folder);
      }),
    );
}
