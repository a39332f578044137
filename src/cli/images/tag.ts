import type { CommandUnknownOpts } from 'commander';
import { notAvailable } from '../cli.ts';

/** `atomic images tag`. */
export function addImagesTag(parent: CommandUnknownOpts): void {
  parent
    .command('tag')
    .description('give an image another name')
    .argument('<src>', 'name of the image')
    .argument('<target>', 'its further name')
    .option('--storage <STORAGE>', 'where images are kept: ostree')
    .action(notAvailable);
}
