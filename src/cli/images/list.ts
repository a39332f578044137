/** Options and table of `atomic images list`. */
import type { CommandUnknownOpts } from 'commander';
import type { ImageRow } from '../../containers/images-list.ts';
import { type Cli, collect, perform, showBackends } from '../cli.ts';
import { applyFilters, parseFilters, type Searchable } from '../output/filters.ts';
import { humanSize, json, localMinute, localTime } from '../output/formats.ts';
import { printLines } from '../output/output.ts';
import { type Column, longest, renderTable } from '../output/table.ts';

interface Options {
  readonly all?: true;
  readonly filter: readonly string[];
  readonly noheading?: true;
  readonly trunc: boolean;
  readonly quiet?: true;
  readonly json?: true;
}

type ListOptions = Pick<Options, 'json' | 'noheading' | 'trunc' | 'quiet'>;

/** What `--filter` looks at. */
const SEARCHABLE: Searchable<ImageRow> = {
  repo: ({ repository }) => [repository],
  repository: ({ repository }) => [repository],
  tag: ({ tag }) => [tag],
  id: ({ id }) => [id],
  image: ({ id }) => [id],
  created: ({ created }) => [localTime(created)],
  size: ({ virtualSize }) => [String(virtualSize ?? '')],
  type: ({ backend }) => [backend],
  is_dangling: ({ isDangling }) => [String(isDangling)],
};

const UNTAGGED = '<none>';

/** `atomic images list`. */
export function addImagesList(parent: CommandUnknownOpts, cli: Cli): void {
  parent
    .command('list')
    .description('list images')
    .option('-a, --all', 'include layers and configurations')
    .option('-f, --filter <VAR=VALUE>', 'show only rows that match (repeatable; all must match)', collect, [])
    .option('-n, --noheading', 'omit the headings')
    .option('--no-trunc', 'show columns in full')
    .option('-q, --quiet', 'show only ids')
    .option('--json', 'print JSON')
    .action((options: Options, self) =>
      perform(cli, self, async (context) => {
        showBackends(cli, self);
        const select = imageFilter(options.filter);
        const { listImages } = await import('../../containers/images-list.ts');
        const all = await listImages(context, { isAll: options.all === true });
        printLines(cli.output, renderImages({ all, shown: select(all) }, options));
      }),
    );
}

/**
 * Parses filters into what picks the rows that all of them match.
 *
 * @throws AtomicError for a malformed one, see `parseFilters`
 */
export function imageFilter(texts: readonly string[]): (rows: readonly ImageRow[]) => readonly ImageRow[] {
  const filters = parseFilters(texts.map(withLowerKeyword), SEARCHABLE);
  return (rows) => applyFilters(rows, filters, SEARCHABLE);
}

/** compat: of images, not of containers, the keyword may be in any letter case. */
function withLowerKeyword(filter: string): string {
  const at = filter.indexOf('=');
  return at < 0 ? filter : filter.slice(0, at).toLowerCase() + filter.slice(at);
}

/** The rows as they are printed: nothing but JSON when there is no image, the headings when none is to be shown. */
export function renderImages(
  { all, shown }: { all: readonly ImageRow[]; shown: readonly ImageRow[] },
  { json: isJson, quiet, noheading, trunc }: ListOptions,
): readonly string[] {
  if (isJson) return json(shown.map(recordOf));
  if (quiet) return shown.map(({ id }) => (trunc ? id.slice(0, 12) : id));
  if (all.length === 0) return [];
  const rows = shown.map((row) => cellsOf(row, trunc));
  return renderTable(columnsFor(all, trunc), rows, !noheading);
}

/** compat: the widths come from all images, also those that a filter leaves out. */
function columnsFor(rows: readonly ImageRow[], isTruncated: boolean): readonly Column[] {
  return [
    { heading: '', width: 2 },
    { heading: 'REPOSITORY', width: longest(rows.map(({ repository }) => repository || UNTAGGED)) + 2 },
    { heading: 'TAG', width: longest(rows.map(({ tag }) => tag || UNTAGGED)) + 2 },
    { heading: 'IMAGE ID', width: isTruncated ? 14 : 65 },
    { heading: 'CREATED', width: 18 },
    { heading: 'VIRTUAL SIZE', width: 14 },
    { heading: 'TYPE', width: 10 },
  ];
}

function cellsOf(row: ImageRow, isTruncated: boolean): readonly string[] {
  const marker = row.isDangling ? '*' : row.isUsed ? '>' : '';
  return [
    marker + (row.isVulnerable ? '\u2620' : ''),
    row.repository || UNTAGGED,
    row.tag || UNTAGGED,
    isTruncated ? row.id.slice(0, 12) : row.id,
    localMinute(row.created),
    humanSize(row.virtualSize),
    row.backend,
  ];
}

/** The keys, and their order, are those of the Python tool. */
function recordOf(row: ImageRow): Record<string, unknown> {
  return {
    repo: row.repository,
    tag: row.tag,
    is_dangling: row.isDangling,
    used: row.isUsed,
    vulnerable: row.isVulnerable,
    id: row.id,
    type: 'image',
    created: localTime(row.created),
    virtual_size: humanSize(row.virtualSize),
    backend: row.backend,
    vuln_info: {},
  };
}
