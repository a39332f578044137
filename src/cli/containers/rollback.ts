import type { CommandUnknownOpts } from 'commander';
import { notAvailable } from '../cli.ts';

/** `atomic containers rollback`, and `atomic rollback`: back to the other deployment. */
export function addRollback(parent: CommandUnknownOpts, { isHidden = false } = {}): void {
  parent
    .command('rollback', { hidden: isHidden })
    .description('go back to the deployment before the last update')
    .argument('<container>', 'name of the container')
    .action(notAvailable);
}
