/** Options and table of `atomic images verify` and `atomic verify`. */
import type { CommandUnknownOpts } from 'commander';
import { AtomicError } from '../../errors.ts';
import type { Verification } from '../../images/verify.ts';
import { type Cli, perform } from '../cli.ts';
import { renderTable } from '../output/table.ts';
import { inStorage, requireOstree } from '../storage.ts';

interface Options {
  readonly all?: true;
  readonly validate: boolean;
  readonly storage?: string;
  readonly verbose?: true;
}

/** `atomic images verify`, and `atomic verify`. */
export function addImagesVerify(parent: CommandUnknownOpts, cli: Cli): void {
  parent
    .command('verify')
    .description('compare an image with its registry, and its content with its checksums')
    .argument('[image]', 'name or id of the image')
    .option('-a, --all', 'all images')
    .option('--no-validate', 'do not check the content')
    .option('--storage <STORAGE>', 'where images are kept: ostree')
    .option('-v, --verbose', 'show the comparison even if nothing differs')
    .action((image, options: Options, self) =>
      perform(cli, self, async (context) => {
        requireCompatible(image, options);
        const { verifyImages } = await import('../../images/verify.ts');
        const request = { checksContent: options.validate, ...(image === undefined ? {} : { image }) };
        const verified = await inStorage(options.storage, async () => await verifyImages(context, request));
        for (const verification of verified)
          for (const line of linesOf(verification, options)) cli.output.line(line);
        return Number(verified.some(({ isSound }) => !isSound));
      }),
    );
}

/** compat: the checks of the Python tool, in its order. */
function requireCompatible(image: string | undefined, { all, storage }: Options): void {
  if (all && image !== undefined)
    throw new AtomicError("Incompatible options specified.  --all doesn't support an image name");
  if (!all && image === undefined) throw new AtomicError('Please specify the image name');
  if (all && storage === undefined) throw new AtomicError('Please specify --storage');
  requireOstree(storage);
}

function linesOf({ name, comparison, parts }: Verification, { verbose }: Options): readonly string[] {
  const isShown = comparison.some(({ isDifferent }) => isDifferent) || (verbose && comparison.length > 0);
  const content = parts.flatMap(({ name: part, damages }) => [
    `validation output for ${part}:`,
    ...(damages.length > 0 ? damages : ['(no changes detected)']),
  ]);
  return [...(isShown ? comparisonLines(name, comparison) : []), ...content];
}

const COLUMNS = [
  { heading: 'NAME', width: 30, isCut: true },
  { heading: 'LOCAL VERSION', width: 20, isCut: true },
  { heading: 'REMOTE VERSION', width: 20, isCut: true },
  { heading: 'DIFFERS', width: 1 },
];

/** compat: two empty lines behind every row. */
function comparisonLines(image: string, rows: Verification['comparison']): readonly string[] {
  const cells = rows.map(({ name, local, remote, isDifferent }) => [
    name,
    local,
    remote,
    isDifferent ? 'YES' : 'NO',
  ]);
  const [heading = '', ...lines] = renderTable(COLUMNS, cells, true);
  return [
    '',
    `${image} contains the following images:`,
    '',
    heading,
    ...lines.flatMap((line) => [line, '', '']),
  ];
}
