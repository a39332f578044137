/** Options of `atomic run`. */
import { type CommandUnknownOpts, Option } from 'commander';
import { dockerCommand } from '../containers/docker/command.ts';
import { AtomicError } from '../errors.ts';
import { type Cli, collect, DOCKER_OPTIONS, perform } from './cli.ts';
import { requireOstree } from './storage.ts';
import { withUntouchedRest } from './words.ts';

/** `atomic run`: starts a container, or runs a command in it. */
export function addRun(parent: CommandUnknownOpts, cli: Cli): void {
  const command = parent
    .command('run')
    .description('start a container, or run a command in it')
    .argument('<image>', 'name of the container')
    .argument('[command...]', 'command to run, with its arguments')
    .option('--storage <STORAGE>', 'where images are kept: ostree')
    .option('-n, --name <NAME>', 'refused; not for system containers')
    .option('-d, --detach', 'run the command in the background')
    .option('--runtime <PATH>', 'OCI runtime')
    .option('--set <VAR=VALUE>', 'value for a variable of the templates (repeatable)', collect, [])
    .option('-r, --replace', 'for docker only; ignored')
    .option('--spc', 'for docker only; ignored')
    .addOption(new Option('-q, --quiet', 'accepted for compatibility; ignored').conflicts('display'))
    .addOption(new Option('--display', 'show what would be done').conflicts('quiet'));
  for (const flags of DOCKER_OPTIONS) command.addOption(new Option(flags).hideHelp());
  withUntouchedRest(command).action((name, words, options, self) =>
    perform(cli, self, async (context) => {
      if (options.name !== undefined) throw new AtomicError('--name is not supported by this backend');
      requireOstree(options.storage, dockerCommand(name, words));
      const { runContainer } = await import('../containers/run.ts');
      return await runContainer(context, {
        name,
        command: words,
        isDetached: options.detach === true,
        set: options.set,
        isDryRun: options.display === true,
        stdinIsTty: cli.stdinIsTty,
        ...(options.runtime === undefined ? {} : { runtime: options.runtime }),
      });
    }),
  );
}
