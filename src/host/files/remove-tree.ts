/** Removes directory trees, never through a mount or a link; ends when a signal arrives. */
import { lstatSync } from 'node:fs';
import { chmod, readdir, rmdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AtomicError, isErrno } from '../../errors.ts';
import type { Host } from '../host.ts';
import { mountsBelow } from '../mount.ts';

/** How often to try again while a program that was killed still writes, and after how many milliseconds. */
const RETRIES = 10;
const RETRY_INTERVAL = 50;

/**
 * Makes sure that nothing is mounted on or below a path, so that {@link removeTree} can remove it.
 *
 * @throws AtomicError that names the mount point
 */
export function requireNoMounts(path: string): void {
  const [point] = mountsBelow(path);
  if (point === undefined) return;
  throw new AtomicError(`cannot remove ${path}: something is mounted on ${point}`, {
    hint: `use 'umount ${point}', then try again`,
  });
}

/**
 * Removes a file, a link or a directory with all that is in it; fine when there is none. Directories without
 * permissions do not stop their owner. rm(1) works on handles: a directory that becomes a link meanwhile is not followed.
 *
 * @throws AtomicError that names a mount at or below the path, in which case nothing is removed, or the first path
 *   that could not be removed
 * @throws Interrupted when a signal arrives
 */
export async function removeTree(host: Host, path: string): Promise<void> {
  requireNoMounts(path);
  if (await removeSingle(path)) return;
  for (let retry = 0; ; retry++) {
    const failure = await tryToRemove(host, path);
    if (failure === undefined) return;
    requireNoMounts(path);
    if (retry >= RETRIES || !(await isWorthAnotherTry(path, failure)))
      throw new AtomicError(`cannot remove ${path}: ${failure}`);
  }
}

async function isWorthAnotherTry(path: string, failure: string): Promise<boolean> {
  if (failure.includes('Permission denied')) return await openDirectories(path);
  if (!failure.includes('Directory not empty')) return false;
  await sleep(RETRY_INTERVAL);
  return true;
}

/** Removes what is not a directory, or an empty one; says whether there is nothing left to remove. */
async function removeSingle(path: string): Promise<boolean> {
  const entry = lstatSync(path, { throwIfNoEntry: false });
  if (entry === undefined) return true;
  try {
    if (entry.isDirectory()) await rmdir(path);
    else await unlink(path);
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return true;
    if (isErrno(error, 'ENOTEMPTY', 'EEXIST')) return false;
    throw new AtomicError(`cannot remove ${path}: ${(error as Error).message}`, { cause: error });
  }
}

/** What rm(1) says is in its way, `undefined` when all is gone. */
async function tryToRemove(host: Host, path: string): Promise<string | undefined> {
  const { exitCode, stderr } = await host.processes.run({
    tool: 'rm',
    args: ['-rf', '--one-file-system', '--', path],
    env: { LC_ALL: 'C' },
    expected: [1],
  });
  return exitCode === 0 ? undefined : (stderr.split('\n')[0] ?? '').replace(/^rm: /, '');
}

/**
 * Lets their owner into directories without permissions; says whether there were any. Files keep their modes: they may
 * be links to objects of the repository.
 */
async function openDirectories(path: string): Promise<boolean> {
  try {
    const isLocked = (lstatSync(path).mode & 0o700) !== 0o700;
    if (isLocked) await chmod(path, 0o700);
    const entries = await readdir(path, { withFileTypes: true });
    const directories = entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(path, name));
    let hasOpened = isLocked;
    for (const directory of directories) if (await openDirectories(directory)) hasOpened = true;
    return hasOpened;
  } catch (error) {
    if (isErrno(error, 'EACCES', 'EPERM', 'ENOENT')) return false;
    throw error;
  }
}
