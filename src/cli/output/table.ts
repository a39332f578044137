/** Renders tables in the columns that scripts cut: fixed widths, one blank between, trailing blanks kept. */
import { type Colour, painted } from './formats.ts';
import { printable } from './printable.ts';

export interface Column {
  readonly heading: string;
  readonly width: number;
  /** Whether longer cells are cut to the width; headings never are. */
  readonly isCut?: boolean;
}

/** A text, or one that is to be in colour. */
export type Cell = string | { readonly text: string; readonly colour: Colour };

/** Renders the rows; with `hasHeading`, the headings come first. */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  hasHeading: boolean,
): readonly string[] {
  const heading = columns.map(({ heading: text, width }) => text.padEnd(width)).join(' ');
  const lines = rows.map((cells) =>
    columns.map((column, index) => cell(column, cells[index] ?? '')).join(' '),
  );
  return hasHeading ? [heading, ...lines] : lines;
}

/** An image's command may hold line breaks, which would end the row, and commands to the terminal. */
function cell({ width, isCut }: Column, content: Cell): string {
  const { text, colour } = typeof content === 'string' ? { text: content, colour: undefined } : content;
  const whole = printable(text);
  const shown = isCut ? whole.slice(0, width) : whole;
  const blanks = ' '.repeat(Math.max(0, width - shown.length));
  return (colour === undefined ? shown : painted(shown, colour)) + blanks;
}

/** The width of the longest of these. */
export function longest(texts: readonly string[]): number {
  return Math.max(0, ...texts.map((text) => text.length));
}
