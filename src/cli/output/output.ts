/** Where the program's words go. */
export interface Output {
  /** A line on standard output: what scripts read. */
  line(text: string): void;
  /** A line on standard error: warnings and errors. */
  warn(text: string): void;
  /** Text on standard output as it is. */
  write(text: string): void;
  /** Whether standard output is a terminal. */
  readonly isStandardTerminal: boolean;
  /** Whether standard error is a terminal. */
  readonly isTerminal: boolean;
}
