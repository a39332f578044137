/** Temporary directories that are removed afterwards, at the latest by the next command that needs one. */
import { mkdir, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import type { Host } from '../host.ts';
import { isAlive, processName } from '../process-name.ts';
import { entriesIfPresent } from './files.ts';
import { removeTree } from './remove-tree.ts';

export interface TemporaryFolder extends AsyncDisposable {
  readonly path: string;
}

/** Called with the path of a folder before it is removed, be it ours or that of a process that was killed. */
export type BeforeRemoval = (path: string) => Promise<void>;

/**
 * Makes a folder of mode 0700 in `parent`, which is created if need be; its name begins with a dot and carries that of
 * our process, so that what a killed process left is found and removed here.
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
  const path = await mkdtemp(join(parent, `.${purpose}-${processName()}-`));
  return { path, [Symbol.asyncDispose]: async () => await remove(shielded, path, beforeRemoval) };
}

/** Removes the folders of processes that are no more. */
export async function sweepTemporaryFolders(
  host: Host,
  parent: string,
  purpose: string,
  beforeRemoval: BeforeRemoval = async () => undefined,
): Promise<void> {
  for (const { path, owner } of foldersFor(parent, purpose))
    if (!isAlive(owner)) await remove(host, path, beforeRemoval);
}

/** The folders that processes work in at this moment. */
export function temporaryFoldersInUse(parent: string, purpose: string): readonly string[] {
  return foldersFor(parent, purpose).flatMap(({ path, owner }) => (isAlive(owner) ? [path] : []));
}

/**
 * Only names to the letter count: a container may be called `pull-1-x`, and what is hidden of it has a dot after its
 * name.
 */
function foldersFor(parent: string, purpose: string): readonly { path: string; owner: string }[] {
  const pattern = new RegExp(`^\\.${purpose}-(\\d+-[0-9a-f]{8})-[A-Za-z0-9]{6}$`);
  return entriesIfPresent(parent).flatMap((entry) => {
    const owner = entry.isDirectory() ? pattern.exec(entry.name)?.[1] : undefined;
    return owner === undefined ? [] : [{ path: join(parent, entry.name), owner }];
  });
}

async function remove(host: Host, path: string, beforeRemoval: BeforeRemoval): Promise<void> {
  await beforeRemoval(path);
  await removeTree(host, path);
}
