import type { CommandUnknownOpts } from 'commander';
import type { ImageRow } from '../../containers/image-usage.ts';
import { type Cli, collect, perform } from '../cli.ts';
import { applyFilters, parseFilters, type Searchable } from '../output/filters.ts';
import { humanSize, json, localMinute, localTime } from '../output/formats.ts';
import type { Output } from '../output/output.ts';
import { type Column, longest, renderTable } from '../output/table.ts';

interface Options {
  readonly all?: true;
  readonly filter: readonly string[];
  readonly noheading?: true;
  readonly trunc: boolean;
  readonly quiet?: true;
  readonly json?: true;
}

/** What `--filter` looks at. */
const SEARCHABLE: Searchable<ImageRow> = {
  repo: ({ repository }) => [repository],
  repository: ({ repository }) => [repository],
  tag: ({ tag }) => [tag],
  id: ({ id }) => [id],
  image: ({ id }) => [id],
  created: ({ created }) => [localTime(created)],
  size: ({ virtualSize }) => [String(virtualSize ?? '')],
  type: () => ['ostree'],
  is_dangling: ({ isDangling }) => [String(isDangling)],
};

const UNTAGGED = '<none>';

/** `atomic images list`. */
export function addImagesList(parent: CommandUnknownOpts, cli: Cli): void {
  parent
    .command('list')
    .description('list the images')
    .option('-a, --all', 'also layers and configurations')
    .option('-f, --filter <VAR=VALUE>', 'only rows that match (repeatable)', collect, [])
    .option('-n, --noheading', 'without headings')
    .option('--no-trunc', 'cut nothing')
    .option('-q, --quiet', 'only the ids')
    .option('--json', 'as JSON')
    .action((options: Options, self) =>
      perform(cli, self, async (context) => {
        const filters = parseFilters(options.filter.map(withLowerKeyword), SEARCHABLE);
        const { listImages } = await import('../../containers/image-usage.ts');
        const rows = listImages(context, { isAll: options.all === true });
        print(cli.output, { all: rows, shown: applyFilters(rows, filters, SEARCHABLE) }, options);
      }),
    );
}

/** compat: of images, not of containers, the keyword may be in any letter case. */
function withLowerKeyword(filter: string): string {
  const at = filter.indexOf('=');
  return at < 0 ? filter : filter.slice(0, at).toLowerCase() + filter.slice(at);
}

function print(
  output: Output,
  { all, shown }: { all: readonly ImageRow[]; shown: readonly ImageRow[] },
  options: Options,
): void {
  if (options.json) output.line(json(shown.map(recordOf)));
  else if (options.quiet) for (const { id } of shown) output.line(options.trunc ? id.slice(0, 12) : id);
  else if (all.length > 0) {
    const rows = shown.map((row) => cellsOf(row, options.trunc));
    for (const line of renderTable(columnsFor(all, options.trunc), rows, !options.noheading))
      output.line(line);
  }
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
    'ostree',
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
    backend: 'ostree',
    vuln_info: {},
  };
}
