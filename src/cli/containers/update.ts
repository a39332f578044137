/** Options and table of `atomic containers update`. */
import type { CommandUnknownOpts } from 'commander';
import type { UpdateRequest } from '../../containers/update.ts';
import type { UpdateRow, UpdateStatus } from '../../containers/update-all.ts';
import type { Context } from '../../context.ts';
import { AtomicError } from '../../errors.ts';
import { type Cli, collect, perform } from '../cli.ts';
import type { Colour } from '../output/formats.ts';
import type { Output } from '../output/output.ts';
import { renderTable } from '../output/table.ts';

interface Options {
  readonly container?: string;
  readonly rebase?: string;
  readonly all?: true;
  readonly set: readonly string[];
  readonly rollback: boolean;
  readonly runtime?: string;
  readonly display?: true;
}

/** `atomic containers update`: a new deployment from a newer image or with other values. */
export function addContainersUpdate(parent: CommandUnknownOpts, cli: Cli): void {
  parent
    .command('update')
    .description('update containers to the local image, or to other values')
    .argument('[container]', 'name of the container')
    .option('--container <NAME>', 'the same as the argument')
    .option('--rebase <IMAGE>', 'switch to another image, pulling it if necessary')
    .option('-a, --all', 'all containers')
    .option('--set <VAR=VALUE>', 'value for a variable of the templates (repeatable)', collect, [])
    .option('--runtime <PATH>', 'move the container to another OCI runtime')
    .option('--no-rollback', 'keep a new deployment that does not start')
    .option('--display', 'show what would be done')
    .action((positional, options: Options, self) =>
      perform(cli, self, async (context) => {
        const name = positional ?? options.container;
        requireCompatible(name, options);
        if (name === undefined) {
          const { updateAllContainers } = await import('../../containers/update-all.ts');
          return await collectAndPrint(cli.output, updateAllContainers(context));
        }
        const { set, rebase, runtime } = options;
        const request = { name, set, keepsFailed: !options.rollback, isDryRun: options.display === true };
        await updateAndReport(cli, context, {
          ...request,
          ...(rebase ? { rebase } : {}),
          ...(runtime ? { runtime } : {}),
        });
        return 0;
      }),
    );
}

/** Updates one container, and says so when there was nothing to do. */
export async function updateAndReport(
  { output }: Cli,
  context: Context,
  request: UpdateRequest,
): Promise<void> {
  const { updateContainer } = await import('../../containers/update.ts');
  const isUpdated = await updateContainer(context, request);
  if (!isUpdated) output.line('Latest version already installed.');
}

function requireCompatible(name: string | undefined, { all, set, rebase, runtime }: Options): void {
  const incompatible = (what: string) =>
    new AtomicError(`Incompatible options specified.  --all doesn't support ${what}`);
  if (!all && name === undefined)
    throw new AtomicError('Too few arguments.  Please specify the container', { hint: 'or use --all' });
  if (all && name !== undefined) throw incompatible('a container name');
  if (all && (set.length > 0 || rebase !== undefined)) throw incompatible('--set or --rebase');
  if (all && runtime !== undefined) throw incompatible('--runtime');
}

const COLOURS: Readonly<Record<UpdateStatus, Colour>> = {
  Failed: 'red',
  'Not updated': 'red',
  Unknown: 'yellow',
  Updated: 'green',
  'Updated now': 'green',
};

/** Prints the summary whatever happens: also when an interrupt ends the work. Returns the exit status. */
async function collectAndPrint(output: Output, results: AsyncIterable<UpdateRow>): Promise<number> {
  const rows: UpdateRow[] = [];
  try {
    for await (const row of results) rows.push(row);
  } finally {
    printSummary(output, rows);
  }
  return rows.some(({ status }) => status === 'Failed' || status === 'Not updated') ? 1 : 0;
}

/** compat: cells are cut to their columns. */
function printSummary(output: Output, rows: readonly UpdateRow[]): void {
  const [id, name] = [
    { width: 32, isCut: true },
    { width: 15, isCut: true },
  ];
  const columns = [
    { heading: 'Container', ...name },
    { heading: 'Image ID before update', ...id },
    { heading: 'Image ID after update', ...id },
    { heading: 'Latest image ID', ...id },
    { heading: 'Status', width: 15 },
  ];
  const cells = rows.map((row) => [
    row.name,
    row.before,
    row.after,
    row.latest ?? '<NOT FOUND>',
    output.stdoutIsTty ? { text: row.status, colour: COLOURS[row.status] } : row.status,
  ]);
  for (const line of ['', 'SUMMARY', '', ...renderTable(columns, cells, true)]) output.write(`${line}\n`);
}
