/** Options of `atomic uninstall`. */
import { type CommandUnknownOpts, Option } from 'commander';
import { AtomicError } from '../errors.ts';
import { type Cli, DOCKER_OPTIONS, perform } from './cli.ts';
import { requireOstree } from './storage.ts';

/** `atomic uninstall`: removes a system container. */
export function addUninstall(parent: CommandUnknownOpts, cli: Cli): void {
  const command = parent
    .command('uninstall')
    .description('remove a container from the system')
    .argument('<image>', 'name of the container')
    .argument('[args...]', 'for docker only; ignored')
    .option('-n, --name <NAME>', 'refused; give the name as an argument')
    .option('-f, --force', 'even if other containers use its root file system')
    .option('--storage <STORAGE>', 'where images are kept: ostree')
    .option('--display', 'show what would be done');
  for (const flags of DOCKER_OPTIONS) command.addOption(new Option(flags).hideHelp());
  command.action((name, _args, options, self) =>
    perform(cli, self, async (context) => {
      if (options.name !== undefined)
        throw new AtomicError('System containers do not support --name. Please use atomic uninstall NAME');
      requireOstree(options.storage, `docker rm ${name}`);
      const { uninstallContainer } = await import('../containers/uninstall.ts');
      await uninstallContainer(context, {
        name,
        isForced: options.force === true,
        isDryRun: options.display === true,
      });
    }),
  );
}
