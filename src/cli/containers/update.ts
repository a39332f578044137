import type { CommandUnknownOpts } from 'commander';
import { collect, notAvailable } from '../cli.ts';

/** `atomic containers update`: a new deployment from a newer image or with other values. */
export function addContainersUpdate(parent: CommandUnknownOpts): void {
  parent
    .command('update')
    .description('update containers to the image in the local store')
    .argument('[container]', 'name of the container')
    .option('--container <NAME>', 'the same')
    .option('--rebase <IMAGE>', 'go on with another image')
    .option('-a, --all', 'all containers')
    .option('--set <VAR=VALUE>', 'value for a variable of the templates (repeatable)', collect, [])
    .action(notAvailable);
}
