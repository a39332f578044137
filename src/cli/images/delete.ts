/** Options and prompts of `atomic images delete`. */
import { type CommandUnknownOpts, Option } from 'commander';
import type { Context } from '../../context.ts';
import { AtomicError } from '../../errors.ts';
import { type Cli, perform } from '../cli.ts';
import { pythonList } from '../output/formats.ts';
import { confirm } from '../output/prompt.ts';
import { longest, renderTable } from '../output/table.ts';
import { inStorage, requireOstree } from '../storage.ts';

/** Not all images could be deleted in their registries. */
const INCOMPLETE = 2;

/** `atomic images delete`. */
export function addImagesDelete(parent: CommandUnknownOpts, cli: Cli): void {
  parent
    .command('delete')
    .description('delete names of images')
    .argument('[images...]', 'names or ids of images')
    .addOption(new Option('-f, --force', 'accepted for compatibility; ignored').conflicts('remote'))
    .addOption(new Option('--remote', 'delete in the registry').conflicts('force'))
    .option('--storage <STORAGE>', 'where images are kept: ostree')
    .option('-a, --all', 'all images')
    .action((images, options, self) =>
      perform(cli, self, async (context) => {
        const isAll = options.all === true;
        if (isAll === images.length > 0)
          throw new AtomicError('You must select --all or provide a list of images to delete.');
        requireOstree(options.storage);
        if (options.remote) return await deleteRemote(context, images);
        const { deleteImages } = await import('../../containers/images-delete.ts');
        const isAssumed = self.optsWithGlobals().assumeyes === true;
        const ask = async (names: readonly string[]) => {
          for (const line of dialogue(names, isAssumed)) cli.output.line(line);
          const what = isAll ? 'all images' : pythonList(images);
          const declined = `User aborted delete operation for ${what}`;
          if (!isAssumed) await confirm(cli, { declined, unasked: 'atomic -y images delete' });
        };
        await inStorage(options.storage, async () => await deleteImages(context, { images, isAll }, ask));
        return 0;
      }),
    );
}

async function deleteRemote(context: Context, images: readonly string[]): Promise<number> {
  if (images.length === 0)
    throw new AtomicError('cannot delete all images of a registry', { hint: 'name them' });
  const { deleteRemoteImages } = await import('../../images/delete-in-registry.ts');
  return (await deleteRemoteImages(context, images)) ? 0 : INCOMPLETE;
}

function dialogue(names: readonly string[], isAssumed: boolean): readonly string[] {
  const question = isAssumed
    ? 'The following images will be deleted.'
    : 'Do you wish to delete the following images?';
  const columns = [
    { heading: 'IMAGE', width: longest(names) + 2 },
    { heading: 'STORAGE', width: 0 },
  ];
  const rows = names.map((name) => [name, 'ostree']);
  return [question, '', ...renderTable(columns, rows, true).map((line) => `   ${line}`)];
}
