import type { CommandUnknownOpts } from 'commander';
import { notAvailable } from '../cli.ts';

/** `atomic containers delete`: uninstalls containers after a confirmation. */
export function addContainersDelete(parent: CommandUnknownOpts): void {
  parent
    .command('delete')
    .description('delete containers')
    .argument('[containers...]', 'names of containers')
    .option('-f, --force', 'accepted, and without effect')
    .option('-a, --all', 'all containers')
    .option('--storage <STORAGE>', 'where images are kept: ostree')
    .action(notAvailable);
}
