/** Ends a change of host files: makes it final, or undoes it. */
import { join } from 'node:path';
import type { Context } from '../../context.ts';
import { type Directory, Obstacle } from '../../host/files/directory.ts';
import type { Container } from '../deployments/container.ts';
import { openHost, openOnHost } from '../host-files/host-path.ts';
import {
  type Change,
  type Group,
  type Journal,
  readJournal,
  removeJournal,
  writeJournal,
} from '../host-files/journal.ts';
import { printable, warnAbout } from '../host-files/notes.ts';
import { type Aside, isSame, openAside } from './aside.ts';
import { removeDirectories, syncDirectories, twice } from './directories.ts';

/**
 * Ends a change that `swapHostFiles` has made: puts the new files' names on disk, then removes what lies aside and the
 * directories that are empty now. Can be run again from any half-way state; from then on there is no way back. What
 * cannot be removed is named in a warning; the next change of the container tries again, but with `isTolerant`.
 */
export async function settleHostFiles(
  context: Context,
  container: Container,
  { isTolerant = false }: { isTolerant?: boolean } = {},
): Promise<void> {
  const journal = readJournal(container);
  if (journal === undefined) return await removeJournal(container);
  using host = openHost(context);
  if (journal.phase !== 'settling') {
    syncDirectories(context, host, touchedBy(journal));
    await writeJournal(container, { ...journal, phase: 'settling' });
  }
  const isDone = cleanUp(context, host, { journal, directories: journal.dropped });
  if (isDone || isTolerant) await removeJournal(container);
}

/**
 * Goes back to the host files from before `stageOnHost`, whether they have been swapped or not, and removes what lies
 * aside. Can be run again from any half-way state; does nothing without a change. One that `settleHostFiles` has begun
 * to end is ended.
 *
 * @throws whatever keeps a file from being put back, after all others have been; with `isTolerant`, that is a warning
 */
export async function undoHostFiles(
  context: Context,
  container: Container,
  { isTolerant = false }: { isTolerant?: boolean } = {},
): Promise<void> {
  const journal = readJournal(container);
  if (journal === undefined || journal.phase === 'settling')
    return await settleHostFiles(context, container, { isTolerant });
  using host = openHost(context);
  const failures: unknown[] = [];
  for (const group of journal.groups) {
    try {
      undoGroup(host, group, (path, error) => {
        warnAbout(context, `cannot put ${printable(path)} back`, error);
        failures.push(error);
      });
    } catch (error) {
      warnAbout(context, `cannot put the files in ${printable(group.directory)} back`, error);
      // a directory that has become a link is not where our files are
      if (!(error instanceof Obstacle)) failures.push(error);
    }
  }
  if (failures.length > 0 && !isTolerant) throw failures[0];
  syncDirectories(context, host, touchedBy(journal));
  const isDone = cleanUp(context, host, { journal, directories: journal.made });
  if (isDone || isTolerant) await removeJournal(container);
}

/** @returns whether everything is gone that lay aside, and trying again is of no use */
function cleanUp(
  context: Context,
  host: Directory,
  { journal, directories }: { journal: Journal; directories: readonly string[] },
): boolean {
  const areAsidesGone = removeAsides(context, host, journal);
  const areDirectoriesGone = removeDirectories(context, host, directories);
  syncDirectories(context, host, [...touchedBy(journal), ...directories]);
  return areAsidesGone && areDirectoriesGone;
}

function touchedBy({ groups }: Journal): readonly string[] {
  return groups.map(({ directory }) => directory);
}

function undoGroup(host: Directory, group: Group, onFailure: (path: string, error: unknown) => void): void {
  using directory = openOnHost(host, group.directory);
  using aside = directory && openAside(directory, group);
  if (directory === undefined || aside === undefined) return;
  for (const change of group.changes) {
    try {
      undoOne(directory, aside, change);
    } catch (error) {
      onFailure(join(group.directory, change.name), error);
    }
  }
}

/** Only our own new file makes room for the old one: what somebody has put there, or made of it, stays. */
function undoOne(directory: Directory, aside: Aside, { name, operation }: Change): void {
  const now = directory.stat(name);
  const isOurs = isSame(now, aside.arriving.stat(name));
  if (operation === 'put') {
    if (isOurs) directory.unlink(name);
  } else if (aside.leaving.stat(name) === undefined) {
    return;
  } else if (now === undefined) {
    aside.leaving.link(name, directory, name);
  } else if (isOurs) {
    if (aside.ready.stat(name) !== undefined) aside.ready.unlink(name);
    aside.leaving.link(name, aside.ready, name);
    aside.ready.rename(name, directory, name);
  }
}

function removeAsides(context: Context, host: Directory, { groups }: Journal): boolean {
  let isDone = true;
  for (const { directory: path, aside } of groups) {
    try {
      twice(() => {
        using directory = openOnHost(host, path);
        directory?.removeTree(aside);
      });
    } catch (error) {
      warnAbout(context, `cannot remove ${printable(join(path, aside))}`, error);
      isDone &&= error instanceof Obstacle;
    }
  }
  return isDone;
}
