/** Renames staged host files to their final paths, while the service is stopped. */
import type { BigIntStats } from 'node:fs';
import { join } from 'node:path';
import type { Context } from '../../context.ts';
import { isErrno, orUndefined } from '../../errors.ts';
import type { Directory } from '../../host/files/directory.ts';
import { replaceFile } from '../../host/files/files.ts';
import type { Container } from '../deployments/container.ts';
import { readDeployment, renderInfo } from '../deployments/deployment.ts';
import { openHost, openOnHost } from '../host-files/host-path.ts';
import { type Change, type Group, type Journal, readJournal } from '../host-files/journal.ts';
import { cannotPut, cannotRemove, noteCreated, noteExists, noteModified } from '../host-files/notes.ts';
import { ownersBeside } from '../host-files/owners.ts';
import { recordedFiles, recordsOf } from '../host-files/record.ts';
import { type Aside, isSame, openAside, stampOf } from './aside.ts';

/** What there is to swap, looked up while the service still runs. */
export interface Swap {
  readonly journal: Journal;
  readonly groups: readonly ReadyGroup[];
}

type GroupOf<Kind> = Omit<Group, 'changes'> & { readonly changes: readonly Kind[] };
type ReadyGroup = GroupOf<ReadyChange>;

interface ReadyChange extends Change {
  /** What lies aside of the entry, if it does. */
  readonly arriving: BigIntStats | undefined;
  readonly leaving: BigIntStats | undefined;
}

/**
 * Looks up what `stageOnHost` has prepared; `undefined` when nothing is staged.
 *
 * @throws AtomicError, naming a file, when one cannot get its place
 */
export function readSwap(context: Context, container: Container): Swap | undefined {
  const journal = readJournal(container);
  if (journal?.phase !== 'staged') return undefined;
  using host = openHost(context);
  return { journal, groups: journal.groups.map((group) => readGroup(host, group)) };
}

function readGroup(host: Directory, group: Group): ReadyGroup {
  if (group.changes.length === 0) return { ...group, changes: [] };
  return inGroup(host, group, (_, { arriving, leaving }) => ({
    ...group,
    changes: group.changes.map((change) => ({
      ...change,
      arriving: arriving.stat(change.name),
      leaving: leaving.stat(change.name),
    })),
  }));
}

/**
 * Makes the host files those of the deployment that `stageOnHost` has prepared; renames, links and unlinks only. Can be
 * run again from any half-way state, by another process too; does nothing when nothing is staged. What somebody has put
 * in the place of a file, or changed, since it was staged stays, and is reported.
 *
 * @throws AtomicError, naming the file, when one cannot get its place; `undoHostFiles` puts all back
 */
export async function swapHostFiles(
  context: Context,
  container: Container,
  swap: Swap | undefined = readSwap(context, container),
): Promise<void> {
  if (swap === undefined) return;
  const { journal, groups } = swap;
  using host = openHost(context);
  const created: string[] = [];
  const taken: string[] = [];
  for (const group of groups) {
    for (const [path, outcome] of swapGroup(host, group)) {
      if (outcome === 'put') created.push(path);
      if (outcome === 'taken') taken.push(path);
      if (outcome === 'modified') noteModified(context, path);
    }
  }
  for (const path of [...created, ...madeFiles(journal)].sort()) noteCreated(context, path);
  if (taken.length > 0) await forget(context, container, { journal, taken });
}

/** Files that did not get their places, since somebody was quicker, are not in the record of the deployment. */
async function forget(
  context: Context,
  container: Container,
  { journal, taken }: { journal: Journal; taken: readonly string[] },
): Promise<void> {
  const owners = ownersBeside(context, container);
  for (const path of taken) noteExists(context, path, owners);
  const deployment = orUndefined(() => readDeployment(container.name, journal.deployment));
  if (deployment === undefined) return;
  const { info, path } = deployment;
  const files = new Map([...recordsOf(info)].filter(([file]) => !taken.includes(file)));
  const record = recordedFiles(files, info['created-folders'] ?? []);
  await replaceFile(join(path, 'info'), renderInfo({ ...info, ...record }), 0o600);
}

/** Directories that the image brings for their own sake. */
function madeFiles({ made, record }: Journal): readonly string[] {
  const files = new Set(record['installed-files']);
  return made.filter((path) => files.has(path));
}

function swapGroup(host: Directory, group: ReadyGroup): readonly [path: string, Outcome][] {
  if (group.changes.length === 0) return [];
  return inGroup(host, group, (directory, aside) =>
    group.changes.map((change) => {
      const path = join(group.directory, change.name);
      return [path, swapOne({ path, change, directory, aside })];
    }),
  );
}

/** Opens the directory of a group, and what lies aside in it. */
function inGroup<Result>(
  host: Directory,
  group: GroupOf<Change>,
  work: (directory: Directory, aside: Aside) => Result,
): Result {
  using directory = openGroup(host, group);
  using aside = directory && openAside(directory, group);
  if (directory === undefined || aside === undefined)
    throw cannotPut(firstOf(group), `${group.directory} is not what it was a moment ago`);
  return work(directory, aside);
}

function firstOf({ directory, changes }: GroupOf<Change>): string {
  return join(directory, changes[0]?.name ?? '');
}

function openGroup(host: Directory, group: GroupOf<Change>): Directory | undefined {
  try {
    return openOnHost(host, group.directory);
  } catch (error) {
    throw cannotPut(firstOf(group), error);
  }
}

interface Place {
  readonly path: string;
  readonly change: ReadyChange;
  readonly directory: Directory;
  readonly aside: Aside;
}

type Outcome = 'put' | 'done' | 'taken' | 'modified';

function swapOne({ change, ...place }: Place): Outcome {
  try {
    return change.operation === 'remove' ? removeOne({ change, ...place }) : putOne({ change, ...place });
  } catch (error) {
    if (change.operation !== 'remove') throw cannotPut(place.path, error);
    throw cannotRemove(place.path, error);
  }
}

function putOne({ change, directory, aside }: Place): Outcome {
  const { name, stamp, arriving, leaving } = change;
  const now = directory.stat(name);
  if (isSame(now, arriving)) return 'done';
  try {
    if (now === undefined) aside.arriving.link(name, directory, name);
    else if (isSame(now, leaving) && stampOf(now) === stamp) aside.ready.rename(name, directory, name);
    else return 'taken';
    return 'put';
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return 'taken';
    throw error;
  }
}

function removeOne({ change: { name, stamp, leaving }, directory }: Place): Outcome {
  const now = directory.stat(name);
  if (now === undefined) return 'done';
  if (!isSame(now, leaving) || stampOf(now) !== stamp) return 'modified';
  directory.unlink(name);
  return 'done';
}
