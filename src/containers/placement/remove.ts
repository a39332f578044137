/** Removes the host files of a container that is uninstalled. */
import { basename } from 'node:path';
import type { Context } from '../../context.ts';
import { isErrno } from '../../errors.ts';
import type { Directory } from '../../host/files/directory.ts';
import type { Container } from '../deployments/container.ts';
import type { Deployment } from '../deployments/deployment.ts';
import { decideRemoval } from '../host-files/decide.ts';
import { findIn } from '../host-files/found.ts';
import { byDirectory, openHost, openOnHost } from '../host-files/host-path.ts';
import { noteModified, printable, warnAbout } from '../host-files/notes.ts';
import { type Owners, ownersBeside } from '../host-files/owners.ts';
import { type FileRecord, recordsOf } from '../host-files/record.ts';
import { removeDirectories, syncDirectories, twice } from './directories.ts';
import { withHostFilesLock } from './lock.ts';
import { undoHostFiles } from './settle.ts';

/**
 * Removes the host files of deployments, as far as they are as they were installed, and no other container has them;
 * before that, whatever a change that was cut short has left. Can be run again. No single file stops it: what cannot be
 * removed is named in a warning.
 *
 * @param installed the deployments whose files may be on the host: the active one; after a change that was cut short
 *   also the one that it led to
 * @throws what kept such a change from being ended, after the files have been removed
 */
export async function removeHostFiles(
  context: Context,
  container: Container,
  installed: readonly Deployment[],
): Promise<void> {
  let failure: unknown;
  try {
    await undoHostFiles(context, container, { isTolerant: true });
  } catch (error) {
    context.signal.throwIfAborted();
    failure = error;
  }
  await removeRecorded(context, container, installed);
  if (failure !== undefined) throw failure;
}

async function removeRecorded(
  context: Context,
  container: Container,
  installed: readonly Deployment[],
): Promise<void> {
  const known = installed.map(({ info }) => recordsOf(info));
  const made = installed.flatMap(({ info }) => info['created-folders'] ?? []);
  const paths = [...new Set(known.flatMap((records) => [...records.keys()]))].sort();
  if (paths.length === 0 && made.length === 0) return;
  await withHostFilesLock(context, async () => {
    using host = openHost(context);
    const owners = ownersBeside(context, container);
    const emptied: string[] = [];
    for (const [directory, entries] of byDirectory(paths, (path) => path)) {
      const mine = new Map(
        entries.map((path) => [path, known.flatMap((records) => records.get(path) ?? [])]),
      );
      emptied.push(...(await removeIn(context, host, { directory, mine, owners })));
    }
    const unused = new Set([...made, ...emptied].filter((path) => !owners.haveDirectory(path)));
    removeDirectories(context, host, unused);
    syncDirectories(context, host, [...byDirectory([...paths, ...unused], (path) => path).keys()]);
  });
}

interface Removing {
  readonly directory: string;
  readonly mine: ReadonlyMap<string, readonly FileRecord[]>;
  readonly owners: Owners;
}

/** @returns the entries that are directories; they are removed when nothing is in them */
async function removeIn(
  context: Context,
  host: Directory,
  { directory: path, mine, owners }: Removing,
): Promise<readonly string[]> {
  const emptied: string[] = [];
  for (const [entry, records] of mine) {
    try {
      using directory = twice(() => openOnHost(host, path));
      const found = directory && findIn(directory, basename(entry), context.signal);
      const isShared = owners.namesOf(entry).length > 0;
      const removal = await decideRemoval({ found, mine: records, isShared });
      if (removal === 'changed') noteModified(context, entry);
      if (removal !== 'remove' || directory === undefined) continue;
      if (found?.stat.isDirectory()) emptied.push(entry);
      else twice(() => directory.unlink(basename(entry)));
    } catch (error) {
      context.signal.throwIfAborted();
      if (!isErrno(error, 'ENOENT'))
        warnAbout(context, `cannot remove ${printable(entry)} from the host`, error);
    }
  }
  return emptied;
}
