import type { Box } from '../support/box.ts';

/** Runs a line of shell; what fails is not worth measuring. */
export async function succeed(box: Box, line: string): Promise<void> {
  const { exitCode, stderr } = await box.sh(line);
  if (exitCode !== 0) throw new Error(`${line}\n${stderr}`);
}
