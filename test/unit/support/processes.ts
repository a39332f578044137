/** Running real programs, and interrupting them. */
import { expect } from 'vitest';
import type { Environment } from '../../../src/config.ts';
import { createProcesses, type Processes } from '../../../src/host/process.ts';

/** Programs get this environment only; `stop` is the interrupt. */
export function runner(env: Environment = { PATH: process.env.PATH }): {
  processes: Processes;
  stop: (reason?: unknown) => void;
} {
  const controller = new AbortController();
  const log = { debug: () => undefined };
  const processes = createProcesses({ env, log, signal: controller.signal });
  return { processes, stop: (reason) => controller.abort(reason) };
}

/** The call of a shell script. */
export const sh = (script: string) => ({ tool: 'sh', args: ['-c', script] });

/** What a promise is rejected with; a promise that is not fails the test. */
export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return await promise.then(
    (value) => expect.fail(`no failure, but ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  );
}
