import type { CommandUnknownOpts } from 'commander';
import { notAvailable } from '../cli.ts';
import type { Placement } from './placement.ts';

/** `atomic images update`, and `atomic update`. */
export function addImagesUpdate(parent: CommandUnknownOpts, { isHidden }: Placement): void {
  parent
    .command('update', { hidden: isHidden })
    .description('pull the newer version of an image')
    .argument('[image]', 'name of the image')
    .option('-f, --force', 'not for system containers')
    .option('-a, --all', 'all images')
    .option('--storage <STORAGE>', 'where images are kept: ostree')
    .action(notAvailable);
}
