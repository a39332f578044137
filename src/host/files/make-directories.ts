/** Makes directories that are on disk, with all that leads to them, and closed to others if need be. */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isErrno } from '../../errors.ts';
import { Directory } from './directory.ts';
import { syncPath } from './files.ts';

/** What only the owner may do. */
const OWNER_ONLY = 0o700;

/** Makes a directory and those above it; those that are missing are on disk when it returns. */
export async function makeDirectories(path: string, mode = 0o755): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return;
    if (!isErrno(error, 'ENOENT')) throw error;
    await makeDirectories(dirname(path));
    return await makeDirectories(path, mode);
  }
  setMode(path, () => mode);
  await syncPath(dirname(path));
}

/** Takes all permissions of others from a directory that is ours; one of somebody else is left alone. */
export function closeToOthers(path: string, uid: number): void {
  setMode(path, (found) => (found.uid === uid ? found.mode & OWNER_ONLY : found.mode));
}

function setMode(path: string, modeFor: (found: { uid: number; mode: number }) => number): void {
  using directory = Directory.open(path);
  const { uid, gid, mode } = directory.attributes;
  const wanted = modeFor({ uid, mode: mode & 0o7777 });
  if (wanted !== (mode & 0o7777)) directory.setAttributes({ uid, gid, mode: wanted });
}
