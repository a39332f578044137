/** Where the program's words go. */
export interface Output {
  /** A line on standard output: what scripts read. */
  line(text: string): void;
  /** A line on standard error: warnings and errors. */
  warn(text: string): void;
  /** Text on standard output as it is. */
  write(text: string): void;
  /** Whether standard error is a terminal. */
  readonly isTerminal: boolean;
  /** Whether standard output is one: then colours and a pager are welcome. */
  readonly isScreen: boolean;
}
