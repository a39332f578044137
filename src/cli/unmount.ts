import type { CommandUnknownOpts } from 'commander';
import { notAvailable } from './cli.ts';

/** `atomic unmount`: the reverse of `atomic mount`. */
export function addUnmount(parent: CommandUnknownOpts): void {
  parent
    .command('unmount')
    .alias('umount')
    .description('unmount what atomic mount mounted')
    .argument('<mountpoint>', 'the folder')
    .action(notAvailable);
}
