/** Typing commands in front of somebody: each is shown as typed, with what it says. */
import type { Outcome } from './box.ts';

export interface Session {
  /** Shows the command, runs it and shows what it says; returns that. */
  type(line: string): Promise<string>;
  /** Shows a remark. */
  say(text: string): void;
}

/** A session whose commands `shell` runs. */
export function sessionOf(shell: (line: string) => Promise<Outcome>): Session {
  return {
    say: (text) => console.log(`\n${text}`),
    type: async (line) => {
      console.log(`# ${line}`);
      const { stdout, stderr, exitCode } = await shell(line);
      process.stdout.write(stdout);
      process.stderr.write(stderr);
      if (exitCode !== 0) throw new Error(`'${line}' ended with ${exitCode}`);
      return stdout;
    },
  };
}
