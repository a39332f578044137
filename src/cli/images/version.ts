import type { CommandUnknownOpts } from 'commander';
import { notAvailable } from '../cli.ts';
import type { Placement } from './placement.ts';

/** `atomic images version`, and `atomic version`. */
export function addImagesVersion(parent: CommandUnknownOpts, { isHidden }: Placement): void {
  parent
    .command('version', { hidden: isHidden })
    .description('show the version of an image')
    .argument('<image>', 'name or id of the image')
    .option('-r, --recurse', 'accepted, and without effect')
    .option('--storage <STORAGE>', 'where images are kept: ostree')
    .action(notAvailable);
}
