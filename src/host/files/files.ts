/** Writes files so that a power cut leaves the old or the new content; reads small ones synchronously, for speed. */
import { constants, type Dirent, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { mkdir, open, rename, rm, symlink, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isErrno } from '../../errors.ts';

/** Creates `path`, which must not exist (not even as a link), with this text, on disk when it returns. */
export async function createFile(path: string, text: string, mode = 0o644): Promise<void> {
  await create(path, text, { mode, isDurable: true });
}

/** The same for one of many that are put on disk together, by whoever has them created. */
export async function createFileUnsynced(path: string, text: string, mode = 0o644): Promise<void> {
  await create(path, text, { mode, isDurable: false });
}

async function create(
  path: string,
  text: string,
  { mode, isDurable }: { mode: number; isDurable: boolean },
): Promise<void> {
  const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
  const file = await open(path, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY, mode);
  try {
    await file.writeFile(text);
    await file.chmod(mode);
    if (isDurable) await file.sync();
  } catch (error) {
    throw withPath(error, path);
  } finally {
    await file.close();
  }
}

/** The error of a call on an open file, which does not say which file that was. */
export function withPath(error: unknown, path: string): unknown {
  if (!(error instanceof Error && 'syscall' in error) || 'path' in error) return error;
  return Object.assign(error, { path, message: `${error.message} '${path}'` });
}

/** Makes `path` hold this text by renaming a finished file over it; durable when it returns. */
export async function replaceFile(path: string, text: string, mode = 0o644): Promise<void> {
  await replace(path, async (temporary) => await createFile(temporary, text, mode));
}

/** Makes `path` a symbolic link to `target` by rename(2); durable when it returns. */
export async function replaceLink(path: string, target: string): Promise<void> {
  await replace(path, async (temporary) => await symlink(target, temporary));
}

/** Puts what `make` makes in the place of a file or link, or of nothing; a folder stays, and is an error. */
async function replace(path: string, make: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = temporaryNameFor(path);
  await rm(temporary, { force: true });
  try {
    await make(temporary);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncPath(dirname(path));
}

/** Makes a directory of exactly this mode, whatever the umask; it must not exist. */
export async function makeDirectory(path: string, mode = 0o755): Promise<void> {
  await mkdir(path);
  const directory = await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    await directory.chmod(mode);
  } finally {
    await directory.close();
  }
}

/** Removes what a killed process left of a replacement of `path`. */
export async function removeTemporary(path: string): Promise<void> {
  await rm(temporaryNameFor(path), { force: true });
}

/**
 * Hidden, next to `path`, so that rename(2) works and listings skip it. Always the same, so that the next command finds
 * what a killed one left. That can be guessed, which is harmless: all these directories (those of units, of tmpfiles.d
 * files, of containers and their deployments) are root's, or those of the user who runs this, and nobody else can write
 * to them. Where others might, host files have random names.
 */
export function temporaryNameFor(path: string): string {
  return join(dirname(path), `.${basename(path)}.tmp`);
}

/** Puts the content of a file, or the entries of a folder, on disk: fsync(2) of a file does not cover its name. */
export async function syncPath(path: string): Promise<void> {
  const opened = await open(path, 'r');
  try {
    await opened.sync();
  } catch (error) {
    throw withPath(error, path);
  } finally {
    await opened.close();
  }
}

/** Removes a file or link; says whether there was one. */
export async function removeIfPresent(path: string): Promise<boolean> {
  try {
    await unlink(path);
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    throw error;
  }
}

/** The text of a file, or `undefined` when there is none. */
export function readIfPresent(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}

/** The entries of a folder; none when there is no such folder. */
export function entriesIfPresent(path: string): readonly Dirent[] {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return [];
    throw error;
  }
}

/** Whether `error` says that there is something of that name, but no file that we can read: a folder, say. */
export function isUnreadable(error: unknown): error is NodeJS.ErrnoException {
  return isErrno(error, 'EACCES', 'EISDIR', 'ELOOP');
}

/** Where a symbolic link points, or `undefined` when there is no link of that name. */
export function readLinkIfPresent(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR', 'EINVAL')) return undefined;
    throw error;
  }
}

/** Whether there is an entry of that name, be it a dangling link. */
export function exists(path: string): boolean {
  try {
    lstatSync(path);
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return false;
    throw error;
  }
}
