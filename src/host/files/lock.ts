/** Locks that the kernel frees when their holder dies. */
import type { EventEmitter } from 'node:events';
import { constants, lstatSync, readdirSync, readlinkSync, realpathSync } from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AtomicError, isErrno } from '../../errors.ts';
import type { Host, User } from '../host.ts';

/** A lock that is held; disposing of it frees it. */
export interface Lock extends AsyncDisposable {
  readonly path: string;
  /** The descriptor that has it: a program that gets it as well holds the lock until both have ended. */
  readonly fd: number;
}

/** flock(1) ends with this when somebody else holds the lock. */
const HELD_ELSEWHERE = 1;
const SECONDS_IN_SILENCE = 1;

/**
 * Takes the flock(2) on `path`, which is created with its folder; waits as long as another process has it.
 * Node has no flock(2): flock(1) locks a descriptor that we opened, and the lock lasts until we close it.
 *
 * @param onWait called once, when somebody else has had it for a second: what is about to end is no news
 * @param isShared whether others may share the lock; who wants it alone waits for all of them
 * @throws Interrupted when a signal arrives while waiting; AtomicError for a user without a directory for such files, and
 *   when somebody else could take or replace the file
 */
export async function takeLock(
  host: Host,
  path: string,
  onWait: () => void,
  { isShared = false } = {},
): Promise<Lock> {
  const kind = isShared ? '--shared' : '--exclusive';
  // who takes a lock changes something, and has to be able to finish that
  holdProgram();
  await makeDirectoryOfLocks(host, dirname(path));
  const file = await openLock(path);
  const flock = async (options: readonly string[]) =>
    await host.processes.run({
      tool: 'flock',
      args: [...options, '3'],
      descriptors: [file.fd],
      expected: [HELD_ELSEWHERE],
    });
  try {
    const { exitCode } = await flock([kind, `--timeout=${SECONDS_IN_SILENCE}`]);
    if (exitCode === HELD_ELSEWHERE) {
      onWait();
      await flock([kind]);
    }
  } catch (error) {
    await file.close();
    throw error;
  }
  return { path, fd: file.fd, [Symbol.asyncDispose]: async () => await file.close() };
}

/**
 * Has `loader.ts` open what has not been loaded yet, so that a command can be finished though the program is upgraded or
 * removed meanwhile. No effect where the program was not loaded by that.
 */
function holdProgram(): void {
  (process as EventEmitter).emit('atomic:hold');
}

/** Opens the file of a lock: not what a link leads to, nor what is opened only when somebody is at its other end. */
async function openLock(path: string): Promise<FileHandle> {
  const { O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_RDWR } = constants;
  const refused = (cause?: unknown) =>
    new AtomicError(`cannot lock ${path}: it is not a file`, { hint: 'remove it', cause });
  const file = await open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600).catch((error: unknown) => {
    throw isErrno(error, 'ELOOP', 'EISDIR', 'ENXIO') ? refused(error) : error;
  });
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw refused();
}

/** A directory of locks is its owner's only: whoever could open a file in it could hold the lock for ever. */
const MODE = 0o700;

/** A user has no place for locks before he has logged in, for instance in a job of cron. */
async function makeDirectoryOfLocks({ user }: Host, path: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await mkdir(path, { mode: MODE });
  } catch (cause) {
    if (isErrno(cause, 'EEXIST')) return requireOwn(user, path);
    if (user.isRoot || !isErrno(cause, 'EACCES', 'EPERM', 'EROFS', 'ENOENT', 'ENOTDIR')) throw cause;
    const hint =
      "set XDG_RUNTIME_DIR to a directory of your own, or let root run 'loginctl enable-linger' for you";
    throw new AtomicError(`cannot create ${path}, the directory for locks`, { hint, cause });
  }
}

/** Refuses a directory that another user has made, or can write to. */
function requireOwn({ uid }: User, path: string): void {
  const found = lstatSync(path);
  const isOwn = found.isDirectory() && found.uid === uid && (found.mode & 0o022) === 0;
  if (isOwn) return;
  throw new AtomicError(`cannot use ${path} for locks: others can write to it`, {
    hint: 'remove it, and try again',
  });
}

/**
 * Whether a process has a lock, or waits for it: whether it has the file open. /proc/locks would not say so in a
 * container, since flock(1), which took the lock, has ended.
 */
export function isHeld(path: string): boolean {
  const real = attempt(() => realpathSync(path));
  if (real === undefined) return false;
  const processes = readdirSync('/proc').filter((pid) => /^\d+$/.test(pid));
  return processes.some((pid) => openFiles(`/proc/${pid}/fd`).includes(real));
}

function openFiles(directory: string): readonly string[] {
  const descriptors = attempt(() => readdirSync(directory)) ?? [];
  return descriptors.flatMap((descriptor) => attempt(() => readlinkSync(`${directory}/${descriptor}`)) ?? []);
}

/** What is gone by now, or belongs to another user, cannot be read. */
function attempt<Result>(read: () => Result): Result | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
