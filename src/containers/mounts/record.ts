/** Keeps what a mount needs, and a record of it, in a hidden directory beside the containers. */
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod/mini';
import type { Context } from '../../context.ts';
import {
  entriesIfPresent,
  isUnreadable,
  makeDirectory,
  readIfPresent,
  replaceFile,
} from '../../host/files/files.ts';
import { takeLock } from '../../host/files/lock.ts';
import { type MountEntry, mountTable } from '../../host/mount.ts';
import { makeCheckouts } from '../../images/store/places.ts';

const MountRecord = z.object({
  /** The directory on which it is mounted, absolute, without links. */
  target: z.string(),
  /** For an ordinary user, files are put into the directory itself. */
  state: z.enum(['mounted', 'extracting', 'extracted']),
});

export type MountRecord = z.infer<typeof MountRecord>;

export interface MountDirectory {
  readonly path: string;
  /** In the mount table, the source of the mount. */
  readonly label: string;
  /** Absent when whoever made the directory was killed at once, or the record is damaged. */
  readonly record: MountRecord | undefined;
}

const PREFIX = '.mount-';
/** To the letter: a container may be called `mount-nfs`, and what is hidden of it has a dot after its name. */
const KEY = /^\.mount-([0-9a-f]{16})$/;

/** The directory of what a mount shows, and an empty one. */
export const imageOf = ({ path }: MountDirectory) => join(path, 'image');
export const emptyOf = ({ path }: MountDirectory) => join(path, 'empty');
const recordOf = (path: string) => join(path, 'record.json');

/** Waits until no other command mounts or unmounts. */
export async function lockMounts(context: Context): Promise<AsyncDisposable> {
  const text = 'Waiting for another atomic command to finish mounting';
  const file = join(context.paths.locks, '.mounts.lock');
  return await takeLock(context, file, () => context.report({ kind: 'waiting', text }));
}

/** Makes the directory of a mount that is to be. */
export async function createMountDirectory(context: Context, record: MountRecord): Promise<MountDirectory> {
  const key = randomBytes(8).toString('hex');
  const directory = { path: join(context.paths.checkouts, `${PREFIX}${key}`), label: labelFor(key), record };
  await makeCheckouts(context);
  await mkdir(directory.path, { mode: 0o700 });
  await writeRecord(directory, record);
  // these become the root of what is mounted
  for (const path of [imageOf(directory), emptyOf(directory)]) await makeDirectory(path);
  return directory;
}

/** Replaces the record of a mount. */
export async function writeRecord({ path }: MountDirectory, record: MountRecord): Promise<void> {
  await replaceFile(recordOf(path), JSON.stringify(record), 0o600);
}

/** The directories of all mounts, also of those that are no more. */
export function mountDirectories({ paths: { checkouts } }: Context): readonly MountDirectory[] {
  return entriesIfPresent(checkouts).flatMap((entry) => {
    const key = entry.isDirectory() ? KEY.exec(entry.name)?.[1] : undefined;
    if (key === undefined) return [];
    const path = join(checkouts, entry.name);
    return [{ path, label: labelFor(key), record: readRecord(recordOf(path)) }];
  });
}

function readRecord(file: string): MountRecord | undefined {
  try {
    return MountRecord.safeParse(JSON.parse(readIfPresent(file) ?? '')).data;
  } catch (error) {
    if (error instanceof SyntaxError || isUnreadable(error)) return undefined;
    throw error;
  }
}

function labelFor(key: string): string {
  return `atomic:${key}`;
}

/** The lines of the mount table that show what is in this directory. */
export function mountsOf(directory: MountDirectory): readonly MountEntry[] {
  return mountTable().filter((mount) => isMountOf(directory, mount));
}

/** Whether a line of the mount table shows what is in this directory. */
export function isMountOf({ path, label }: MountDirectory, { source, root }: MountEntry): boolean {
  return source === label || root.endsWith(`/${path.slice(path.lastIndexOf('/') + 1)}/image`);
}
