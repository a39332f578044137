import type { CommandUnknownOpts } from 'commander';
import { notAvailable } from '../cli.ts';
import type { Placement } from './placement.ts';

/** `atomic images help`, and `atomic help`. */
export function addImagesHelp(parent: CommandUnknownOpts, { isHidden }: Placement): void {
  parent
    .command('help', { hidden: isHidden })
    .description('show the help that an image or a container brings')
    .argument('<image>', 'image or container')
    .action(notAvailable);
}
