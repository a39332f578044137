/** The interface through which commands print. */
import { printable } from './printable.ts';

export interface Output {
  /** A line on standard output: what scripts read. What cannot be printed is left blank, here and in warnings. */
  line(text: string): void;
  /** A line on standard error: warnings and errors. */
  warn(text: string): void;
  /** What we have made, or checked, ourselves, and what a program has said: on standard output as it is. */
  write(text: string | Uint8Array): void;
  /** Whether standard output is a terminal: then colours, a pager and a bar are welcome. */
  readonly stdoutIsTty: boolean;
  /** The width of that terminal. */
  columns(): number;
}

/** Prints the lines of a listing at once: thousands of writes take longer than to make what is written. */
export function printLines({ write }: Output, lines: readonly string[]): void {
  if (lines.length > 0) write(lines.map((line) => `${printable(line)}\n`).join(''));
}
