import type { CommandUnknownOpts } from 'commander';
import { notAvailable } from '../cli.ts';
import type { Placement } from './placement.ts';

/** `atomic images info`, and `atomic info`. */
export function addImagesInfo(parent: CommandUnknownOpts, { isHidden }: Placement): void {
  parent
    .command('info', { hidden: isHidden })
    .description('show the labels and the variables of an image')
    .argument('<image>', 'name or id of the image')
    .option('--remote', 'ask the registry')
    .option('--storage <STORAGE>', 'where images are kept: ostree')
    .action(notAvailable);
}
