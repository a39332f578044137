import { closeSync, openSync, readFileSync } from 'node:fs';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { AtomicError, ToolError, ToolMissingError } from '../../../src/errors.ts';
import { createProcesses } from '../../../src/host/process.ts';
import { useDirectory } from '../support/directory.ts';
import { failureOf, runner, sh } from '../support/processes.ts';

const folder = useDirectory();

const PATH = process.env.PATH;
const run = async (script: string) => await runner().processes.run(sh(script));

describe('detached', () => {
  it('starts a program that goes on after us, until its input ends', async () => {
    const file = join(folder, 'detached');
    const { processes, stop } = runner();

    const input = await processes.detached(
      sh(`ps -o sid= -p $$ | tr -d ' ' >'${file}'; read line; echo "$line" >>'${file}'`),
    );
    stop(new Error('interrupted'));
    await vi.waitFor(() => expect(readFileSync(file, 'utf8')).toMatch(/^\d+\n$/));
    const session = readFileSync(file, 'utf8').trim();
    input.end('last words\n');

    await vi.waitFor(() => expect(readFileSync(file, 'utf8')).toBe(`${session}\nlast words\n`));
    expect(session).not.toBe((await run("ps -o sid= -p $$ | tr -d ' '")).stdout.trim());
  });

  it('says nothing of a program that is missing', async () => {
    const input = await runner().processes.detached({ tool: 'no-such-program', args: [] });

    await new Promise<void>((resolve) => input.end('a line\n', () => resolve()));
  });
});

describe('run', () => {
  it('returns what the program says, to the last byte', async () => {
    expect(await run('echo out; echo err >&2')).toEqual({ stdout: 'out\n', stderr: 'err\n', exitCode: 0 });
  });

  it('hands on arguments as they are', async () => {
    const args = ['%s\\n', '', ' a  b ', '$PATH', '*', '"', "'", '\n', '\u00e9', ';', '-n'];

    const { stdout } = await runner().processes.run({ tool: 'printf', args });

    expect(stdout).toBe(
      args
        .slice(1)
        .map((text) => `${text}\n`)
        .join(''),
    );
  });

  it('gives the program the environment of the run and its own, and nothing else', async () => {
    const { processes } = runner({ PATH, A: 'run', B: 'run', C: undefined });

    const { stdout } = await processes.run({ tool: 'env', args: [], env: { B: 'call', D: 'call' } });

    expect(stdout.trim().split('\n').sort()).toEqual(['A=run', 'B=call', 'D=call', `PATH=${PATH}`]);
  });

  it('works in the root folder, unless told otherwise', async () => {
    const { processes } = runner();

    expect((await processes.run({ tool: 'pwd', args: [] })).stdout).toBe('/\n');
    expect((await processes.run({ tool: 'pwd', args: [], cwd: folder })).stdout).toBe(`${folder}\n`);
  });

  it('has nothing on standard input, unless told otherwise', async () => {
    const { processes } = runner();
    const input = 'x'.repeat(200_000);

    expect((await processes.run({ tool: 'cat', args: [] })).stdout).toBe('');
    expect((await processes.run({ tool: 'cat', args: [], input: 'text' })).stdout).toBe('text');
    const streamed = await processes.run({ tool: 'wc', args: ['-c'], input: Readable.from([input, input]) });
    expect(streamed.stdout).toBe('400000\n');
  });

  it('does not mind a program that has read enough', async () => {
    const { processes } = runner();

    const { stdout } = await processes.run({ tool: 'head', args: ['-c', '1'], input: 'x'.repeat(1_000_000) });

    expect(stdout).toBe('x');
  });

  it('hands on descriptors as 3 and 4', async () => {
    const [one, two] = ['one', 'two'].map((name) => join(folder, name)) as [string, string];
    const descriptors = [openSync(one, 'w'), openSync(two, 'w')];
    await runner().processes.run({ ...sh('echo 1 >&3; echo 2 >&4'), descriptors });
    for (const descriptor of descriptors) closeSync(descriptor);

    expect([readFileSync(one, 'utf8'), readFileSync(two, 'utf8')]).toEqual(['1\n', '2\n']);
  });

  it('takes an expected exit status for an answer', async () => {
    const call = { ...sh('echo no; exit 3'), expected: [1, 3] };

    expect(await runner().processes.run(call)).toEqual({ stdout: 'no\n', stderr: '', exitCode: 3 });
  });

  it('throws what a program that failed left behind', async () => {
    const error = await failureOf(run('echo out; echo why >&2; exit 7'));

    expect(error).toBeInstanceOf(ToolError);
    expect(error).toMatchObject({
      message: 'sh failed with exit status 7: why',
      argv: ['sh', '-c', 'echo out; echo why >&2; exit 7'],
      failure: { exitCode: 7, signal: undefined, stderr: 'why\n' },
      exitCode: 7,
    });
  });

  it.each([
    { signal: 'KILL', exitCode: 247 },
    { signal: 'TERM', exitCode: 241 },
    { signal: 'HUP', exitCode: 255 },
  ])('turns the end by SIG$signal into $exitCode', async ({ signal, exitCode }) => {
    const error = await failureOf(run(`kill -${signal} $$`));

    expect(error).toBeInstanceOf(ToolError);
    expect(error).toMatchObject({
      message: `sh was killed by SIG${signal}: sh -c kill -${signal} $$`,
      failure: { exitCode: undefined, signal: `SIG${signal}` },
      exitCode,
    });
  });

  it.each(['atomic-has-no-such-program', '/nowhere/program'])(
    'says that %s is not installed',
    async (tool) => {
      const error = await failureOf(runner({ PATH: '/usr/bin:/bin' }).processes.run({ tool, args: [] }));

      expect(error).toBeInstanceOf(ToolMissingError);
      expect(error).toMatchObject({
        message: `cannot run '${tool}': it is not installed`,
        hint: `install the package that provides ${tool}`,
        exitCode: 1,
      });
    },
  );

  it('says why a program cannot be started', async () => {
    const tool = join(folder, 'not-executable');
    await writeFile(tool, '#!/bin/sh\n');
    await chmod(tool, 0o644);

    const error = await failureOf(runner().processes.run({ tool, args: ['--version'] }));

    expect(error).toBeInstanceOf(ToolError);
    expect(error).toMatchObject({
      message: `${tool} could not be started: spawn ${tool} EACCES`,
      argv: [tool, '--version'],
      exitCode: 1,
    });
  });

  it('does not repeat arguments that are too long', async () => {
    const error = await failureOf(runner().processes.run({ tool: 'true', args: ['x'.repeat(200_000)] }));

    expect(error).toMatchObject({ message: 'true could not be started: spawn E2BIG' });
  });

  it('fails with the error of its input, even when the program is content', async () => {
    const reason = new AtomicError('the layer is cut short');
    async function* broken() {
      yield 'abc';
      await sleep(1);
      throw reason;
    }

    const call = { tool: 'cat', args: [], input: Readable.from(broken()) };

    expect(await failureOf(runner().processes.run(call))).toBe(reason);
  });
});

describe('stream', () => {
  it('captures standard error only', async () => {
    expect(await runner().processes.stream(sh('echo err >&2'), () => undefined)).toEqual({
      stdout: '',
      stderr: 'err\n',
      exitCode: 0,
    });
  });

  it('fails as run does', async () => {
    expect(
      await failureOf(runner().processes.stream(sh('echo why >&2; exit 7'), () => undefined)),
    ).toMatchObject({
      message: 'sh failed with exit status 7: why',
    });
  });

  it('hands on standard output by the line', async () => {
    const said: string[] = [];
    const call = sh('printf "one\\ntwo\\nthree"; echo err >&2');

    expect(await runner().processes.stream(call, (line) => said.push(line))).toMatchObject({
      stderr: 'err\n',
    });
    expect(said).toEqual(['one', 'two', 'three']);
  });
});

describe('the session of a program', () => {
  /** The id of the session of a program, and of ours. */
  const sessions = async (isApart: boolean) => {
    const { signal } = new AbortController();
    const processes = createProcesses({ env: { PATH }, log: { debug: () => undefined }, signal, isApart });
    const { stdout } = await processes.run(sh(`ps -o sid= -p $$,${process.pid} | sort -u | wc -l`));
    return Number(stdout);
  };

  it('is ours, unless signals to us are not for it', async () => {
    expect(await sessions(false)).toBe(1);
    expect(await sessions(true)).toBe(2);
  });
});

describe('interactive', () => {
  it.each([
    { script: 'exit 0', want: 0 },
    { script: 'exit 7', want: 7 },
    { script: 'kill -KILL $$', want: 247 },
  ])('returns how `$script` ended', async ({ script, want }) => {
    expect(await runner().processes.interactive(sh(script))).toBe(want);
  });

  it('throws when there is no such program', async () => {
    const call = { tool: 'atomic-has-no-such-program', args: [] };

    expect(await failureOf(runner({ PATH: '/usr/bin:/bin' }).processes.interactive(call))).toBeInstanceOf(
      ToolMissingError,
    );
  });

  it('throws when the program cannot be started', async () => {
    expect(await failureOf(runner().processes.interactive({ tool: folder, args: [] }))).toMatchObject({
      message: `${folder} could not be started: spawn ${folder} EACCES`,
    });
  });
});

describe('the log', () => {
  it('gets every program, with how it ended and how long it took', async () => {
    const lines: (readonly [object, string])[] = [];
    const log = { debug: (fields: object, message: string) => lines.push([fields, message]) };
    const processes = createProcesses({ env: { PATH }, log, signal: new AbortController().signal });

    await processes.run({ tool: 'true', args: ['a'], cwd: folder });
    await failureOf(processes.run({ tool: 'false', args: [] }));

    const milliseconds = expect.any(Number);
    expect(lines).toEqual([
      [{ argv: ['true', 'a'], cwd: folder, exitCode: 0, signal: undefined, milliseconds }, 'ran a program'],
      [{ argv: ['false'], cwd: undefined, exitCode: 1, signal: undefined, milliseconds }, 'ran a program'],
    ]);
  });
});
