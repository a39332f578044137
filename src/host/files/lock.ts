/** Locks that the kernel frees when their holder dies. */
import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AtomicError, isErrno } from '../../errors.ts';
import type { Host } from '../host.ts';

/** A lock that is held; disposing of it frees it. */
export interface Lock extends AsyncDisposable {
  readonly path: string;
}

/** flock(1) ends with this when somebody else holds the lock. */
const HELD_ELSEWHERE = 1;

/**
 * Takes the exclusive flock(2) on `path`, which is created with its folder; waits as long as another process has it.
 * Node has no flock(2): flock(1) locks a descriptor that we opened, and the lock lasts until we close it.
 *
 * @param onWait called once, before waiting begins
 * @throws Interrupted when a signal arrives while waiting; AtomicError for a user without a directory for such files
 */
export async function takeLock(host: Host, path: string, onWait: () => void): Promise<Lock> {
  await makeDirectoryOfLocks(host, dirname(path));
  const file = await open(path, 'a', 0o600);
  const flock = async (options: readonly string[]) =>
    await host.processes.run({
      tool: 'flock',
      args: [...options, '3'],
      descriptors: [file.fd],
      expected: [HELD_ELSEWHERE],
    });
  try {
    const { exitCode } = await flock(['--exclusive', '--nonblock']);
    if (exitCode === HELD_ELSEWHERE) {
      onWait();
      await flock(['--exclusive']);
    }
  } catch (error) {
    await file.close();
    throw error;
  }
  return { path, [Symbol.asyncDispose]: async () => await file.close() };
}

/** A user has no place for locks before he has logged in, for instance in a job of cron. */
async function makeDirectoryOfLocks({ user }: Host, path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o755 });
  } catch (cause) {
    if (user.isRoot || !isErrno(cause, 'EACCES', 'EPERM', 'EROFS', 'ENOENT', 'ENOTDIR')) throw cause;
    const hint =
      "set XDG_RUNTIME_DIR to a directory of your own, or let root run 'loginctl enable-linger' for you";
    throw new AtomicError(`cannot make ${path}, where locks go`, { hint, cause });
  }
}
