/** The interface through which commands print. */
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
