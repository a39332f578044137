/** Makes the files on the host agree with a deployment; can be run again from any half-way state. */
import { constants, lstatSync } from 'node:fs';
import {
  chmod,
  chown,
  copyFile,
  lchown,
  link,
  mkdir,
  readlink,
  rename,
  rm,
  rmdir,
  symlink,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Context } from '../../context.ts';
import { isErrno } from '../../errors.ts';
import {
  exists,
  removeIfPresent,
  removeTemporary,
  syncPath,
  temporaryNameFor,
} from '../../host/files/files.ts';
import type { Deployment } from '../deployments/deployment.ts';
import { compareWithRecord, type FileRecord, type FileRecords, recordsOf } from './record.ts';

/** Where a deployment keeps its host files, laid out as they go to the host. */
export const hostFilesMirror = (deployment: string) => join(deployment, 'hostfs');

/**
 * Removes the files of `previous` that `active` has not, and installs those of `active`. What somebody changed stays.
 *
 * @param active the deployment whose files belong on the host; none for a container that goes
 * @param previous the deployments whose files may be there
 */
export async function applyHostFiles(
  context: Context,
  active: Deployment | undefined,
  previous: readonly Deployment[],
): Promise<void> {
  const wanted: FileRecords = active === undefined ? new Map() : recordsOf(active.info);
  const known = previous.map(({ info }) => recordsOf(info));
  const folders = new Set<string>();
  for (const path of unwantedFiles(context, known, wanted))
    if (await removeFile(path)) folders.add(dirname(path));
  if (active !== undefined) {
    for (const [path, record] of wanted) {
      const older = known.flatMap((records) => records.get(path) ?? []);
      if (await installFile(context, { path, record, older }, hostFilesMirror(active.path)))
        folders.add(dirname(path));
    }
  }
  await removeFolders(active, previous);
  for (const folder of folders) if (exists(folder)) await syncPath(folder);
}

/** Compared before any is removed: the checksum of a link is that of the file that it leads to. */
function unwantedFiles(
  context: Context,
  known: readonly FileRecords[],
  wanted: FileRecords,
): readonly string[] {
  const paths = new Set(known.flatMap((records) => [...records.keys()]));
  return [...paths].filter((path) => {
    if (wanted.has(path)) return false;
    const found = known
      .flatMap((records) => records.get(path) ?? [])
      .map((record) => compareWithRecord(path, record));
    const isOurs = found.includes('same');
    if (!isOurs && found.includes('different')) {
      const text = `Will not delete ${path} as it was manually modified.`;
      context.report({ kind: 'note', text });
    }
    return isOurs;
  });
}

/** Says whether the file is gone. */
async function removeFile(path: string): Promise<boolean> {
  const isFolder = lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  return isFolder ? await removeFolder(path) : await removeIfPresent(path);
}

interface Installation {
  readonly path: string;
  readonly record: FileRecord;
  /** What other deployments of the container have had there. */
  readonly older: readonly FileRecord[];
}

async function installFile(
  context: Context,
  { path, record, older }: Installation,
  mirror: string,
): Promise<boolean> {
  await removeTemporary(path);
  const found = compareWithRecord(path, record);
  if (found === 'same') return false;
  const isOurs = older.some((candidate) => compareWithRecord(path, candidate) === 'same');
  if (found === 'different' && !isOurs) {
    context.report({ kind: 'note', text: `File ${path} already exists` });
    return false;
  }
  await makeFolders(dirname(path), mirror);
  await putFile(join(mirror, path), path, found === 'absent');
  context.report({ kind: 'created-file', path });
  return true;
}

/** Folders get the mode and the owner that they have in the image. */
async function makeFolders(folder: string, mirror: string): Promise<void> {
  if (exists(folder)) return;
  await makeFolders(dirname(folder), mirror);
  await copyFolder(join(mirror, folder), folder);
}

async function copyFolder(source: string, path: string): Promise<void> {
  const { mode, uid, gid } = lstatSync(source);
  await mkdir(path);
  await chown(path, uid, gid);
  await chmod(path, mode);
}

/**
 * Copies a file beside its place first. A new file is linked there, so that one that has appeared meanwhile is not
 * overwritten; an older one of ours is replaced. Never a hard link into the checkout, though the image may allow it
 * (`useLinks`): who edits it in place would change the image in the repository.
 */
async function putFile(source: string, path: string, isNew: boolean): Promise<void> {
  const entry = lstatSync(source);
  if (entry.isDirectory()) return await copyFolder(source, path);
  const temporary = temporaryNameFor(path);
  if (entry.isSymbolicLink()) {
    await symlink(await readlink(source), temporary);
    await lchown(temporary, entry.uid, entry.gid);
  } else {
    await copyFile(source, temporary, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    await chown(temporary, entry.uid, entry.gid);
    await chmod(temporary, entry.mode);
    await syncPath(temporary);
  }
  if (!isNew) return await rename(temporary, path);
  try {
    await link(temporary, path);
  } finally {
    await rm(temporary);
  }
}

/** Folders that were made on the way, as far as nothing is in them any more; the deepest first. */
async function removeFolders(active: Deployment | undefined, previous: readonly Deployment[]): Promise<void> {
  const wanted = new Set(active?.info['created-folders'] ?? []);
  const candidates = new Set(previous.flatMap(({ info }) => info['created-folders'] ?? []));
  for (const folder of [...candidates].sort().reverse()) if (!wanted.has(folder)) await removeFolder(folder);
}

async function removeFolder(path: string): Promise<boolean> {
  try {
    await rmdir(path);
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTEMPTY', 'EEXIST', 'ENOTDIR', 'EBUSY')) return false;
    throw error;
  }
}
