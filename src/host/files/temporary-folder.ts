/** Temporary directories that are removed afterwards, at the latest by the next command that needs one. */
import { mkdir, mkdtemp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno } from '../../errors.ts';
import type { Host } from '../host.ts';
import { removeTree } from './remove-tree.ts';

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
  host: Host,
  parent: string,
  purpose: string,
  beforeRemoval: BeforeRemoval = async () => undefined,
): Promise<TemporaryFolder> {
  await mkdir(parent, { recursive: true });
  await sweepTemporaryFolders(host, parent, purpose, beforeRemoval);
  const shielded = { ...host, processes: host.processes.shielded() };
  const path = await mkdtemp(join(parent, `.${purpose}-${process.pid}-`));
  return { path, [Symbol.asyncDispose]: async () => await remove(shielded, path, beforeRemoval) };
}

/**
 * Removes the folders of processes that are no more. Only names to the letter count: a container may be called
 * `pull-1-x`, and what is hidden of it has a dot behind its name.
 */
export async function sweepTemporaryFolders(
  host: Host,
  parent: string,
  purpose: string,
  beforeRemoval: BeforeRemoval = async () => undefined,
): Promise<void> {
  const pattern = new RegExp(`^\\.${purpose}-(\\d+)-[A-Za-z0-9]{6}$`);
  for (const entry of await readdir(parent, { withFileTypes: true })) {
    const owner = entry.isDirectory() ? pattern.exec(entry.name)?.[1] : undefined;
    if (owner !== undefined && !isAlive(Number(owner)))
      await remove(host, join(parent, entry.name), beforeRemoval);
  }
}

async function remove(host: Host, path: string, beforeRemoval: BeforeRemoval): Promise<void> {
  await beforeRemoval(path);
  await removeTree(host, path);
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
