/** Parses and applies `--filter VAR=VALUE` of the lists. */
import { AtomicError } from '../../errors.ts';
import { pythonList } from './formats.ts';

export interface Filter {
  readonly keyword: string;
  /** In lower case. */
  readonly value: string;
}

/** The texts of a row by keyword; a keyword may stand for several. */
export type Searchable<Row> = Readonly<Record<string, (row: Row) => readonly string[]>>;

/**
 * Parses filters.
 *
 * @throws AtomicError when one has not exactly one `=`, or an unknown keyword
 */
export function parseFilters<Row>(texts: readonly string[], searchable: Searchable<Row>): readonly Filter[] {
  return texts.map((text) => {
    const [keyword = '', value, ...rest] = text.split('=');
    if (value === undefined || rest.length > 0)
      throw new AtomicError(`The filter ${text} is not formatted correctly.  It should be VAR=VALUE`);
    if (!Object.hasOwn(searchable, keyword)) {
      const known = pythonList(Object.keys(searchable));
      throw new AtomicError(`The filter ${keyword} is not valid.  Please choose from ${known}`);
    }
    return { keyword, value: value.toLowerCase() };
  });
}

/** The rows that all filters match; letter case does not matter. */
export function applyFilters<Row>(
  rows: readonly Row[],
  filters: readonly Filter[],
  searchable: Searchable<Row>,
): readonly Row[] {
  return rows.filter((row) =>
    filters.every(({ keyword, value }) =>
      searchable[keyword]?.(row).some((text) => text.toLowerCase().includes(value)),
    ),
  );
}
