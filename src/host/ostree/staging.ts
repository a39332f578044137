/** Staging repositories, from which commits come into the repository when they are on disk. */
import { linkSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync, unlinkSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { isErrno } from '../../errors.ts';
import { readIfPresent } from '../files/files.ts';
import { sweepTemporaryFolders, type TemporaryFolder, temporaryFolder } from '../files/temporary-folder.ts';
import type { Host } from '../host.ts';
import { listRefs, resolveRef } from './refs.ts';
import { objectPath } from './repository.ts';

const PURPOSE = 'import';

/** What ostree(1) wants to find in a repository. */
const DIRECTORIES = ['objects', 'refs/heads', 'refs/mirrors', 'refs/remotes', 'state', 'tmp/cache'];

/**
 * Makes an empty repository for commits that go into `repository`, whose mode and file system it has; disposing of it
 * removes it.
 */
export async function stagingRepository(host: Host, repository: string): Promise<TemporaryFolder> {
  const folder = await temporaryFolder(host, placeIn(repository), PURPOSE);
  for (const name of DIRECTORIES) await mkdir(join(folder.path, name), { recursive: true });
  await writeFile(join(folder.path, 'config'), unsynced(readIfPresent(join(repository, 'config')) ?? ''));
  return folder;
}

/** Removes the staging repositories of processes that are no more; `onRemoval` gets the path of each before. */
export async function sweepStaging(
  host: Host,
  repository: string,
  onRemoval: (path: string) => void,
): Promise<void> {
  const before = (path: string): Promise<void> => Promise.resolve(onRemoval(path));
  await sweepTemporaryFolders(host, placeIn(repository), PURPOSE, before);
}

/** Where ostree(1) has its own unfinished objects: from anywhere else, hard links might lead to another mount. */
function placeIn(repository: string): string {
  return join(repository, 'tmp');
}

/** The configuration of a repository, but for who syncs (ostree.repo-config(5)). */
export function unsynced(config: string): string {
  return config.replaceAll(/^\s*fsync\s*=.*\n?/gm, '').replace(/^\s*\[core\]\s*$/m, '[core]\nfsync=false');
}

/**
 * Lets the commit of a ref into the repository, with everything in it. An object whose name survives a power cut counts
 * as present, so each is on disk before it has its name, and what it consists of has names before. When this returns,
 * all but the name of the ref is on disk (see `syncRefs`). To be called with a share of the lock of whoever removes
 * objects.
 *
 * @param isWanted asked at the end: another command may have brought the same meanwhile, and then this one's goes
 * @param flush puts on disk what has been written by now
 */
export async function admit(
  repository: string,
  { staging, ref, isWanted }: { staging: string; ref: string; isWanted: () => boolean },
  flush: () => Promise<void>,
): Promise<void> {
  const commit = resolveRef(staging, ref);
  if (commit === undefined) throw new Error(`${staging} has no ref ${ref}`);
  await forEachObject(
    staging,
    (object) => isCommit(object) || dropIfPresent(repository, { staging, object }),
  );
  await flush();
  await forEachObject(staging, (object) => isCommit(object) || move(repository, { staging, object }));
  await flush();
  replace(repository, { staging, object: `${commit.slice(0, 2)}/${commit.slice(2)}.commit` });
  await flush();
  if (!isWanted()) {
    // two of the same second may be the same commit, be it of two refs
    const folder = dirname(ref);
    if (!listRefs(repository, folder).some((name) => resolveRef(repository, join(folder, name)) === commit))
      rmSync(objectPath(repository, commit, 'commit'), { force: true });
    return;
  }
  const name = join('refs/heads', ref);
  mkdirSync(dirname(join(repository, name)), { recursive: true });
  renameSync(join(staging, name), join(repository, name));
}

/** Calls `work` for each object, `XX/REST.KIND`; lets others work in between. */
async function forEachObject(staging: string, work: (object: string) => unknown): Promise<void> {
  for (const prefix of readdirSync(join(staging, 'objects'))) {
    for (const name of readdirSync(join(staging, 'objects', prefix))) work(`${prefix}/${name}`);
    await nextTurn();
  }
}

/** A commit without its content would count as damaged: it comes after everything else. */
function isCommit(object: string): boolean {
  return object.endsWith('.commit');
}

interface Staged {
  readonly staging: string;
  readonly object: string;
}

/** What the repository has need not be written. */
function dropIfPresent(repository: string, { staging, object }: Staged): void {
  if (lstatSync(join(repository, 'objects', object), { throwIfNoEntry: false }) !== undefined)
    unlinkSync(join(staging, 'objects', object));
}

/** Unlike rename(2), link(2) leaves an object alone that somebody else has brought: checkouts may share its file. */
function move(repository: string, { staging, object }: Staged): void {
  const [from, to] = [join(staging, 'objects', object), join(repository, 'objects', object)];
  mkdirSync(dirname(to), { recursive: true });
  try {
    linkSync(from, to);
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error;
  }
  unlinkSync(from);
}

/** No checkout has a commit: one that is there, and may be damaged, gives way. */
function replace(repository: string, { staging, object }: Staged): void {
  const to = join(repository, 'objects', object);
  mkdirSync(dirname(to), { recursive: true });
  renameSync(join(staging, 'objects', object), to);
}
