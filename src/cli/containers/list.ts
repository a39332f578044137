/** Options and table of `atomic containers list`. */
import type { CommandUnknownOpts } from 'commander';
import type { ContainerRow } from '../../containers/list.ts';
import { type Cli, collect, perform, showBackends } from '../cli.ts';
import { applyFilters, parseFilters, type Searchable } from '../output/filters.ts';
import { json, localMinute, localTime } from '../output/formats.ts';
import { printLines } from '../output/output.ts';
import { type Column, longest, renderTable } from '../output/table.ts';

interface Options {
  readonly all?: true;
  readonly filter: readonly string[];
  readonly json?: true;
  readonly noheading?: true;
  readonly trunc: boolean;
  readonly quiet?: true;
}

type ListOptions = Pick<Options, 'json' | 'noheading' | 'trunc' | 'quiet'>;

/** What `--filter` looks at; guides look for system containers with `runtime=ostree`. */
const SEARCHABLE: Searchable<ContainerRow> = {
  container: ({ id }) => [id],
  image: ({ imageName }) => [imageName],
  command: ({ command }) => [command],
  created: ({ created }) => [localTime(created)],
  state: ({ state }) => [state],
  runtime: ({ runtime, backend }) => [runtime, backend],
  backend: ({ backend }) => [backend],
};

/** `atomic containers list`. */
export function addContainersList(parent: CommandUnknownOpts, cli: Cli): void {
  parent
    .command('list')
    .description('list containers')
    .option('-a, --all', 'include inactive containers')
    .option('-f, --filter <VAR=VALUE>', 'show only rows that match (repeatable; all must match)', collect, [])
    .option('--json', 'print JSON')
    .option('-n, --noheading', 'omit the headings')
    .option('--no-trunc', 'show columns in full')
    .option('-q, --quiet', 'show only ids')
    .action((options: Options, self) =>
      perform(cli, self, async (context) => {
        showBackends(cli, self);
        const select = containerFilter(options.filter);
        const { listContainers } = await import('../../containers/list.ts');
        const rows = await listContainers(context, { isAll: options.all === true });
        printLines(cli.output, renderContainers(select(rows), options));
      }),
    );
}

/**
 * Parses filters into what picks the rows that all of them match.
 *
 * @throws AtomicError for a malformed one, see `parseFilters`
 */
export function containerFilter(
  texts: readonly string[],
): (rows: readonly ContainerRow[]) => readonly ContainerRow[] {
  const filters = parseFilters(texts, SEARCHABLE);
  return (rows) => applyFilters(rows, filters, SEARCHABLE);
}

/** The rows as they are printed: nothing but JSON when there are none. */
export function renderContainers(
  rows: readonly ContainerRow[],
  { quiet, json: isJson, noheading, trunc }: ListOptions,
): readonly string[] {
  if (quiet) return rows.map(({ id }) => (trunc ? id.slice(0, 12) : id));
  if (isJson) return json(rows.map(recordOf));
  if (rows.length === 0) return [];
  return renderTable(columnsFor(rows, trunc), rows.map(cellsOf), !noheading);
}

function columnsFor(rows: readonly ContainerRow[], isTruncated: boolean): readonly Column[] {
  const fitting = (heading: string, width: number, cells: readonly string[]): Column =>
    isTruncated
      ? { heading, width, isCut: true }
      : { heading, width: Math.max(heading.length, longest(cells)) };
  return [
    { heading: '', width: 2 },
    fitting(
      'CONTAINER ID',
      12,
      rows.map(({ id }) => id),
    ),
    fitting(
      'IMAGE',
      20,
      rows.map(({ imageName }) => imageName),
    ),
    fitting(
      'NAME',
      10,
      rows.map(({ name }) => name),
    ),
    fitting('COMMAND', 10, [...rows.map(({ command }) => command), ' '.repeat(10)]),
    { heading: 'CREATED', width: 16, isCut: true },
    { heading: 'STATE', width: 10, isCut: true },
    { heading: 'BACKEND', width: 10, isCut: true },
    { heading: 'RUNTIME', width: 10, isCut: true },
  ];
}

function cellsOf(row: ContainerRow): readonly string[] {
  const mark = row.isVulnerable ? '\u2620' : '';
  return [
    mark,
    row.id,
    row.imageName,
    row.name,
    row.command,
    localMinute(row.created),
    row.state,
    row.backend,
    row.runtime,
  ];
}

/** The keys, and their order, are those of the Python tool. */
function recordOf(row: ContainerRow): Record<string, unknown> {
  return {
    id: row.id,
    image_id: row.imageId,
    image_name: row.imageName,
    name: row.name,
    command: row.command,
    created: localTime(row.created),
    state: row.state,
    backend: row.backend,
    runtime: row.runtime,
    vulnerable: row.isVulnerable,
    running: row.isRunning,
  };
}
