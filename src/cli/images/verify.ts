import type { CommandUnknownOpts } from 'commander';
import { notAvailable } from '../cli.ts';
import type { Placement } from './placement.ts';

/** `atomic images verify`, and `atomic verify`. */
export function addImagesVerify(parent: CommandUnknownOpts, { isHidden }: Placement): void {
  parent
    .command('verify', { hidden: isHidden })
    .description('compare an image with its registry, and its content with its checksums')
    .argument('[image]', 'name of the image')
    .option('-a, --all', 'all images')
    .option('--no-validate', 'do not check the content')
    .option('--storage <STORAGE>', 'where images are kept: ostree')
    .option('-v, --verbose', 'show images that are current, too')
    .action(notAvailable);
}
