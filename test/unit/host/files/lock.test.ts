import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it, vi } from 'vitest';
import { Interrupted, ToolMissingError } from '../../../../src/errors.ts';
import { takeLock } from '../../../../src/host/files/lock.ts';
import type { Host } from '../../../../src/host/host.ts';
import { createProcesses } from '../../../../src/host/process.ts';
import { contextFor } from '../../support/context.ts';
import { useEmptyDirectory } from '../../support/directory.ts';

const folder = useEmptyDirectory();
const path = join(folder, 'locks/x.lock');

/** Takes the lock, and counts how often it was said that somebody has to wait. */
function take({ host = contextFor(), lock = path }: { host?: Host; lock?: string } = {}) {
  const waits: string[] = [];
  const taken = takeLock(host, lock, () => waits.push('waiting'));
  return { taken, waits };
}

/** What the kernel says: whether another process could have it now. */
async function isFree(): Promise<boolean> {
  const { exitCode } = await execa('flock', ['--nonblock', path, 'true'], { reject: false });
  return exitCode === 0;
}

/** What the descriptors of this process lead to; one may be closed meanwhile. */
function openFiles(): readonly string[] {
  const directory = '/proc/self/fd';
  return readdirSync(directory).flatMap((descriptor) => {
    try {
      return [readlinkSync(join(directory, descriptor))];
    } catch {
      return [];
    }
  });
}

describe('takeLock', () => {
  it('keeps other processes out until it is disposed of', async () => {
    const { taken, waits } = take();
    const lock = await taken;

    expect(lock.path).toBe(path);
    expect(await isFree()).toBe(false);
    await lock[Symbol.asyncDispose]();
    expect(await isFree()).toBe(true);
    expect(waits).toEqual([]);
  });

  it('lets one after the other in, in this process too, and says once that it waits', async () => {
    const log: string[] = [];
    const first = await take().taken;
    const second = take();
    const entered = second.taken.then((lock) => {
      log.push('second entered');
      return lock;
    });
    await vi.waitUntil(() => second.waits.length > 0, { timeout: 4000 });
    log.push('first leaves');
    await first[Symbol.asyncDispose]();
    const lock = await entered;

    expect(await isFree()).toBe(false);
    await lock[Symbol.asyncDispose]();
    expect({ log, waits: second.waits }).toEqual({
      log: ['first leaves', 'second entered'],
      waits: ['waiting'],
    });
  });

  it('does not mind a lock of another name', async () => {
    const first = await take().taken;
    const other = take({ lock: join(folder, 'locks/y.lock') });
    const second = await other.taken;

    expect(other.waits).toEqual([]);
    await first[Symbol.asyncDispose]();
    await second[Symbol.asyncDispose]();
  });

  it('is free again when its holder was killed', async () => {
    await writeFile(join(folder, 'held'), '');
    const holder = spawn('flock', [join(folder, 'held'), 'sh', '-c', 'echo held; exec sleep 60'], {
      detached: true,
    });
    await once(holder.stdout, 'data');
    const { taken, waits } = take({ lock: join(folder, 'held') });
    await vi.waitUntil(() => waits.length > 0, { timeout: 4000 });

    process.kill(-(holder.pid ?? expect.fail('not started')), 'SIGKILL');

    await (await taken)[Symbol.asyncDispose]();
  });

  it('stops waiting at an interrupt, and is then no longer in the queue', async () => {
    const first = await take().taken;
    const controller = new AbortController();
    const { signal } = controller;
    const { env, log } = contextFor();
    const host = { ...contextFor(), processes: createProcesses({ env, log, signal }) };
    const { taken, waits } = take({ host });
    const outcome = taken.then(
      () => 'taken',
      (reason: unknown) => reason,
    );
    await vi.waitUntil(() => waits.length > 0, { timeout: 4000 });

    controller.abort(new Interrupted('SIGINT'));

    expect(await outcome).toBeInstanceOf(Interrupted);
    await first[Symbol.asyncDispose]();
    expect(await isFree()).toBe(true);
  });

  it('makes the folder and a file that nobody else can lock, and leaves both', async () => {
    const lock = await take().taken;
    await lock[Symbol.asyncDispose]();

    const modes = [(await stat(join(folder, 'locks'))).mode, (await stat(path)).mode];
    expect(modes.map((mode) => mode & 0o777)).toEqual([0o700, 0o600]);
  });

  it('makes the way to its folder as usual', async () => {
    const lock = await take({ lock: join(folder, 'way/locks/x.lock') }).taken;
    await lock[Symbol.asyncDispose]();

    expect((await stat(join(folder, 'way'))).mode & 0o777).toBe(0o777 & ~process.umask());
  });

  it.each([
    { what: 'a link to another file', make: 'touch victim; ln -s ../victim locks/x.lock' },
    { what: 'a link to nothing', make: 'ln -s ../victim locks/x.lock' },
    { what: 'a FIFO', make: 'mkfifo locks/x.lock' },
    { what: 'a folder', make: 'mkdir locks/x.lock' },
  ])('does not open $what', async ({ make }) => {
    await execa('sh', ['-ec', `mkdir -m 700 locks; ${make}`], { cwd: folder });
    const before = await readdir(folder);

    await expect(take().taken).rejects.toThrow(`cannot lock ${path}: it is not a file`);

    expect(await readdir(folder)).toEqual(before);
  });

  it.each([
    { what: 'belongs to somebody else', make: 'mkdir -m 700 locks; chown 1000 locks' },
    { what: 'everybody can write to', make: 'mkdir -m 1777 locks' },
    { what: 'a group can write to', make: 'mkdir -m 770 locks' },
    { what: 'is a link', make: 'mkdir -m 700 other; ln -s other locks' },
  ])('does not lock in a folder that $what', async ({ make }) => {
    await execa('sh', ['-ec', make], { cwd: folder });

    await expect(take().taken).rejects.toThrow(`cannot use ${join(folder, 'locks')} for locks`);

    expect(await readdir(join(folder, 'locks'))).toEqual([]);
  });

  it('leaves what is in the file', async () => {
    const path = join(folder, 'file');
    await writeFile(path, 'something');
    const lock = await take().taken;
    await lock[Symbol.asyncDispose]();

    expect(await readFile(path, 'utf8')).toBe('something');
  });

  it('keeps no descriptor when there is no flock', async () => {
    const { log } = contextFor();
    const host = { ...contextFor(), processes: createProcesses({ env: { PATH: folder }, log }) };

    await expect(take({ host }).taken).rejects.toThrow(ToolMissingError);

    expect(openFiles()).not.toContain(path);
  });
});
