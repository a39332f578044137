/** Options and prompts of `atomic containers delete`. */
import type { CommandUnknownOpts } from 'commander';
import type { DeleteTarget } from '../../containers/delete.ts';
import { AtomicError } from '../../errors.ts';
import { type Cli, perform, showBackends } from '../cli.ts';
import { pythonList } from '../output/formats.ts';
import { confirm } from '../output/prompt.ts';
import { renderTable } from '../output/table.ts';
import { inStorage, requireOstree } from '../storage.ts';

/** `atomic containers delete`: uninstalls containers after a confirmation. */
export function addContainersDelete(parent: CommandUnknownOpts, cli: Cli): void {
  parent
    .command('delete')
    .description('uninstall containers')
    .argument('[containers...]', 'names of containers')
    .option('-f, --force', 'even if other containers use the root file system of one')
    .option('-a, --all', 'all containers')
    .option('--storage <STORAGE>', 'where images are kept: ostree')
    .action((names, options, self) =>
      perform(cli, self, async (context) => {
        showBackends(cli, self);
        const isAll = options.all === true;
        if (isAll === names.length > 0)
          throw new AtomicError('You must select --all or provide a list of containers to delete.');
        requireOstree(options.storage);
        const { deleteContainers } = await import('../../containers/delete.ts');
        const isForced = options.force === true;
        const request = { names, isAll, isForced };
        const isAssumed = self.optsWithGlobals().assumeyes === true;
        const ask = async (targets: readonly DeleteTarget[]) => {
          for (const line of dialogue(targets, isAssumed)) cli.output.line(line);
          const what = isAll ? 'all containers' : pythonList(names);
          const declined = `User aborted delete operation for ${what}`;
          if (!isAssumed) await confirm(cli, { declined, unasked: 'atomic -y containers delete' });
        };
        await inStorage(options.storage, async () => await deleteContainers(context, request, ask));
      }),
    );
}

const COLUMNS = [
  { heading: 'ID', width: 12, isCut: true },
  { heading: 'NAME', width: 20, isCut: true },
  { heading: 'IMAGE_NAME', width: 25, isCut: true },
  { heading: 'STORAGE', width: 10 },
];

function dialogue(targets: readonly DeleteTarget[], isAssumed: boolean): readonly string[] {
  const question = isAssumed
    ? 'The following containers will be deleted.'
    : 'Do you wish to delete the following containers?';
  const rows = targets.map(({ name, imageName }) => [name, name, imageName, 'ostree']);
  return [question, '', ...renderTable(COLUMNS, rows, true).map((line) => `   ${line}`)];
}
