/** Options of `atomic images update`, and of `atomic update` for images and containers. */
import type { CommandUnknownOpts } from 'commander';
import type { Context } from '../../context.ts';
import { AtomicError, UsageError } from '../../errors.ts';
import type { UpdatedImage } from '../../images/update.ts';
import { type Cli, perform } from '../cli.ts';
import { updateAndReport } from '../containers/update.ts';
import { renderTable } from '../output/table.ts';
import { requireOstree } from '../storage.ts';
import { programOf } from '../words.ts';
import type { Placement } from './placement.ts';

interface Options {
  readonly force?: true;
  readonly all?: true;
  readonly storage?: string;
}

const DESCRIPTION = 'pull the newer version of an image';

/** `atomic images update`, and `atomic update`, which is also for containers. */
export function addImagesUpdate(parent: CommandUnknownOpts, cli: Cli, { isShort }: Placement): void {
  parent
    .command('update')
    .description(isShort ? `${DESCRIPTION}, or update a container` : DESCRIPTION)
    .argument('[image]', 'name of the image')
    .option('-f, --force', 'refused; not for system containers')
    .option('-a, --all', 'all images')
    .option('--storage <STORAGE>', 'where images are kept: ostree')
    .action((image, options: Options, self) =>
      perform(cli, self, async (context) => {
        requireCompatible(image, options);
        if (image === undefined && !options.all)
          throw new UsageError(programOf(self), 'the following arguments are required: image');
        // who names a storage means an image
        const mayBeContainer = isShort && options.storage === undefined;
        if (mayBeContainer && image !== undefined && (await isContainer(context, image))) {
          await updateAndReport(cli, context, { name: image, set: [], keepsFailed: false, isDryRun: false });
          return 0;
        }
        const { updateAllImages, updateImage } = await import('../../images/update.ts');
        if (image !== undefined) {
          await updateImage(context, image);
          return 0;
        }
        const images = await updateAllImages(context);
        for (const line of summary(images, cli.output.stdoutIsTty)) cli.output.write(`${line}\n`);
        return Number(images.some(({ outcome }) => outcome === 'failed'));
      }),
    );
}

/** compat: `atomic update NAME` is for containers first. */
async function isContainer(context: Context, name: string): Promise<boolean> {
  const { isInstalled } = await import('../../containers/update.ts');
  return isInstalled(context, name);
}

/** compat: the checks of the Python tool, in its order. */
function requireCompatible(image: string | undefined, { all, force, storage }: Options): void {
  if (all && image !== undefined) throw new AtomicError('Cannot specify both --all and an image name');
  if (all && force) throw new AtomicError('Cannot specify both --all and --force');
  if (all && storage === undefined) throw new AtomicError('Please specify --storage');
  requireOstree(storage);
  if (force) throw new AtomicError('--force is not supported by ostree images');
}

const STATUS = {
  failed: { text: 'Could not pull', colour: 'red' },
  newer: { text: 'Updated now', colour: 'green' },
  current: { text: 'Updated', colour: 'green' },
} as const;

const COLUMNS = [
  { heading: 'Image', width: 50 },
  { heading: 'Image ID before update', width: 32, isCut: true },
  { heading: 'Image ID after update', width: 32, isCut: true },
  { heading: 'Status', width: 15 },
];

function summary(images: readonly UpdatedImage[], isColoured: boolean): readonly string[] {
  const rows = images.map(({ name, idBefore, idAfter, outcome }) => {
    const status = STATUS[outcome];
    return [name, idBefore, idAfter, isColoured ? status : status.text];
  });
  return ['', 'SUMMARY', '', ...renderTable(COLUMNS, rows, true)];
}
