import { type CommandUnknownOpts, Option } from 'commander';
import { notAvailable } from '../cli.ts';

/** `atomic images delete`. */
export function addImagesDelete(parent: CommandUnknownOpts): void {
  parent
    .command('delete')
    .description('delete images')
    .argument('[images...]', 'names or ids of images')
    .addOption(new Option('-f, --force', 'accepted, and without effect').conflicts('remote'))
    .addOption(new Option('--remote', 'delete in the registry').conflicts('force'))
    .option('--storage <STORAGE>', 'where images are kept: ostree')
    .option('-a, --all', 'all images')
    .action(notAvailable);
}
