/** Temporary folders that are gone afterwards, at the latest when the next command needs one. */
import { mkdir, mkdtemp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno } from '../../errors.ts';
import { removeTree } from './files.ts';

export interface TemporaryFolder extends AsyncDisposable {
  readonly path: string;
}

/** Called with the path of a folder before it is removed, be it ours or that of a process that was killed. */
export type BeforeRemoval = (path: string) => Promise<void>;

/**
 * Makes a folder of mode 0700 in `parent`, which is created if need be; its name begins with a dot and carries our
 * process id, so that what a killed process left is found and removed here.
 */
export async function temporaryFolder(
  parent: string,
  purpose: string,
  beforeRemoval: BeforeRemoval = async () => undefined,
): Promise<TemporaryFolder> {
  await mkdir(parent, { recursive: true });
  await sweepTemporaryFolders(parent, purpose, beforeRemoval);
  const path = await mkdtemp(join(parent, `.${purpose}-${process.pid}-`));
  return { path, [Symbol.asyncDispose]: async () => await remove(path, beforeRemoval) };
}

/** Removes the folders of processes that are no more. */
export async function sweepTemporaryFolders(
  parent: string,
  purpose: string,
  beforeRemoval: BeforeRemoval = async () => undefined,
): Promise<void> {
  for (const entry of await readdir(parent)) {
    const owner = new RegExp(`^\\.${purpose}-(\\d+)-`).exec(entry)?.[1];
    if (owner !== undefined && !isAlive(Number(owner))) await remove(join(parent, entry), beforeRemoval);
  }
}

async function remove(path: string, beforeRemoval: BeforeRemoval): Promise<void> {
  await beforeRemoval(path);
  await removeTree(path);
}

/** kill(2) with signal 0 asks without sending; EPERM is somebody else's process. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !isErrno(error, 'ESRCH');
  }
}
