/**
 * Writing to the file system so that a power cut finds the old or the new content, never a part. Small reads are
 * synchronous: a listing makes hundreds of them, and each would cost three times as much otherwise.
 */
import { constants, type Dirent, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { chmod, open, readdir, rename, rm, symlink, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isErrno } from '../../errors.ts';

/** Creates `path`, which must not exist (not even as a link), with this text, on disk when it returns. */
export async function createFile(path: string, text: string, mode = 0o644): Promise<void> {
  const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
  const file = await open(path, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY, mode);
  try {
    await file.writeFile(text);
    await file.chmod(mode);
    await file.sync();
  } finally {
    await file.close();
  }
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

/** Removes what a killed process left of a replacement of `path`. */
export async function removeTemporary(path: string): Promise<void> {
  await rm(temporaryNameFor(path), { force: true });
}

/** Hidden, next to `path`, so that rename(2) works and listings skip it. */
export function temporaryNameFor(path: string): string {
  return join(dirname(path), `.${basename(path)}.tmp`);
}

/** Puts the content of a file, or the entries of a folder, on disk: fsync(2) of a file does not cover its name. */
export async function syncPath(path: string): Promise<void> {
  const opened = await open(path, 'r');
  try {
    await opened.sync();
  } finally {
    await opened.close();
  }
}

/**
 * Removes a folder with all that is in it, if it is there; tries again when somebody is still writing to it. Folders
 * that an ordinary user may not write to do not stop him when they are his.
 */
export async function removeTree(path: string): Promise<void> {
  const removal = { recursive: true, force: true, maxRetries: 10, retryDelay: 50 };
  try {
    await rm(path, removal);
  } catch (error) {
    if (!isErrno(error, 'EACCES')) throw error;
    await openFolders(path);
    await rm(path, removal);
  }
}

async function openFolders(path: string): Promise<void> {
  await chmod(path, 0o700);
  for (const entry of await readdir(path, { withFileTypes: true }))
    if (entry.isDirectory()) await openFolders(join(path, entry.name));
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
