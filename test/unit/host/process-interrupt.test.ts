import { existsSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { AtomicError, Interrupted } from '../../../src/errors.ts';
import { useDirectory } from '../support/directory.ts';
import { failureOf, runner, sh } from '../support/processes.ts';

const PATH = process.env.PATH;

const folder = useDirectory();

/** A program that waits for a signal, and says when it does. */
function waiting(trap: string): { call: ReturnType<typeof sh>; isReady: () => boolean } {
  const file = join(folder, 'ready');
  rmSync(file, { force: true });
  return {
    call: sh(`${trap}; : > '${file}'; while :; do sleep 0.02; done`),
    isReady: () => existsSync(file),
  };
}

describe('an interrupt', () => {
  it.each([
    { name: 'dies of it', trap: 'trap - TERM' },
    { name: 'ends well', trap: "trap 'exit 0' TERM" },
    { name: 'ends badly', trap: "trap 'exit 3' TERM" },
  ])('ends a program that $name, and is the reason', async ({ trap }) => {
    const { processes, stop } = runner();
    const interrupt = new Interrupted('SIGTERM');
    const { call, isReady } = waiting(trap);

    const outcome = failureOf(processes.run({ ...call, expected: [3] }));
    await vi.waitUntil(isReady, { timeout: 4000 });
    stop(interrupt);

    expect(await outcome).toBe(interrupt);
  });

  it('starts nothing afterwards', async () => {
    const { processes, stop } = runner();
    const file = join(folder, 'never');
    stop();

    const error = await failureOf(processes.run({ tool: 'touch', args: [file] }));

    expect(error).toMatchObject({ name: 'AbortError' });
    await expect(readFile(file)).rejects.toThrow('ENOENT');
  });

  it('of one call ends that one only', async () => {
    const { processes } = runner();
    const controller = new AbortController();
    const other = processes.run(sh('sleep 0.3; echo done'));

    const outcome = failureOf(processes.run({ ...sh('exec sleep 10'), signal: controller.signal }));
    await sleep(50);
    controller.abort();

    expect(await outcome).toMatchObject({
      message: 'sh was killed by SIGTERM: sh -c exec sleep 10',
      exitCode: 241,
    });
    expect((await other).stdout).toBe('done\n');
  });

  it('of one call is a failure even when the program ends well', async () => {
    const controller = new AbortController();
    const { call, isReady } = waiting("trap 'exit 0' TERM");

    const outcome = failureOf(runner().processes.run({ ...call, signal: controller.signal }));
    await vi.waitUntil(isReady, { timeout: 4000 });
    controller.abort(new AtomicError('another task failed'));

    expect(await outcome).toMatchObject({ message: 'another task failed' });
  });
});

describe('shielded', () => {
  it('runs after an interrupt, with the same environment', async () => {
    const { processes, stop } = runner({ PATH, A: 'run' });
    stop(new Interrupted('SIGINT'));

    expect((await processes.shielded().run(sh('echo $A'))).stdout).toBe('run\n');
  });

  it('is in a session of its own, where Ctrl-C does not reach it', async () => {
    const { processes } = runner();
    const session = { tool: 'ps', args: ['-o', 'sid=', '-p', 'self'] };
    const script = sh('ps -o sid= -p $$');

    const ours = Number(
      (await processes.run({ ...session, args: ['-o', 'sid=', '-p', String(process.pid)] })).stdout,
    );

    expect(Number((await processes.run(script)).stdout)).toBe(ours);
    expect(Number((await processes.shielded().run(script)).stdout)).not.toBe(ours);
  });
});
