/** `atomic containers trim`, which has nothing to do for system containers. */
import type { CommandUnknownOpts } from 'commander';

/** `atomic containers trim`: docker only; system containers have nothing to trim. */
export function addContainersTrim(parent: CommandUnknownOpts): void {
  parent
    .command('trim')
    .description('discard unused blocks of running docker containers; nothing to do for system containers')
    .action(() => undefined);
}
