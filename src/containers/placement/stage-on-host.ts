/** Copies host files next to their final paths: does everything that takes time or can fail. */
import { join } from 'node:path';
import { type Context, shieldedFrom } from '../../context.ts';
import { AtomicError, ifPossible, isErrno } from '../../errors.ts';
import { Directory } from '../../host/files/directory.ts';
import { replaceFile } from '../../host/files/files.ts';
import { openBelow } from '../../host/files/open-below.ts';
import { syncFileSystem } from '../../host/files/sync-file-system.ts';
import type { Container } from '../deployments/container.ts';
import { type Deployment, renderInfo } from '../deployments/deployment.ts';
import { openHost, openOnHost } from '../host-files/host-path.ts';
import { type Change, type Group, type Journal, writeJournal } from '../host-files/journal.ts';
import { cannotPut, cannotRemove, printable, warnAbout } from '../host-files/notes.ts';
import { ownersBeside } from '../host-files/owners.ts';
import { recordedFiles, recordsOf } from '../host-files/record.ts';
import { hostFilesMirror } from '../host-files/stage.ts';
import { type Aside, makeAside, stampOf } from './aside.ts';
import { changesFor } from './changes.ts';
import { copyFiles } from './copy.ts';
import { isRefused, makeDirectories, twice } from './directories.ts';
import { labelDirectories, labelFiles } from './label.ts';
import { withHostFilesLock } from './lock.ts';
import { undoHostFiles } from './settle.ts';

export interface StageRequest {
  /** The deployment whose files are to be on the host, in the directory where it is now. */
  readonly to: Deployment;
  /** The directory where it will be: NAME.0 or NAME.1. */
  readonly destination: string;
  /** The deployments whose files are on the host: the active one; none at an install. */
  readonly installed: readonly Deployment[];
}

/**
 * Copies the host files of a deployment to directories beside their places that nobody else can enter, and puts them on
 * disk; makes the directories that they need. What has changed on the host since the deployment was planned is looked
 * at again, and the record in its `info` corrected. Afterwards `swapHostFiles` only has to rename. A change of the
 * container that was cut short is undone before.
 *
 * @throws AtomicError, naming the file, when one cannot be copied; nothing of it is left then
 */
export async function stageOnHost(
  context: Context,
  container: Container,
  request: StageRequest,
): Promise<void> {
  await undoHostFiles(context, container);
  if (![request.to, ...request.installed].some(hasHostFiles)) return;
  using host = openHost(context);
  const journal = await withHostFilesLock(context, () => claim(context, host, { container, ...request }));
  if (journal === undefined) return;
  try {
    const mirror = hostFilesMirror(request.to.path);
    makeDirectories(host, journal.made, mirror);
    await labelDirectories(context, host, journal.made);
    const groups = await putAside(context, host, { groups: journal.groups, mirror });
    await writeJournal(container, { ...journal, phase: 'staged', groups });
  } catch (error) {
    await undoHostFiles(shieldedFrom(context), container);
    throw error;
  }
}

function hasHostFiles({ info }: Deployment): boolean {
  return recordsOf(info).size > 0 || (info['created-folders'] ?? []).length > 0;
}

/** Decides what is to change, and lets other containers know; `undefined` when there is nothing to do or to claim. */
async function claim(
  context: Context,
  host: Directory,
  { container, to, destination, installed }: StageRequest & { container: Container },
): Promise<Journal | undefined> {
  const owners = ownersBeside(context, container);
  const { groups, record, made, dropped } = await changesFor(context, host, { to, installed, owners });
  const before = new Set(installed.flatMap(({ info }) => info['created-folders'] ?? []));
  // what somebody else has made since the deployment was planned is not ours
  const stays = to.info['created-folders']?.filter((path) => before.has(path) || owners.haveDirectory(path));
  const recorded = recordedFiles(record, [...(stays ?? []), ...made]);
  if (record.size === 0 && groups.length === 0 && dropped.length === 0) return undefined;
  const info = { ...to.info, ...recorded };
  const text = renderInfo(info);
  if (text !== renderInfo(to.info)) await replaceFile(join(to.path, 'info'), text, 0o600);
  const journal: Journal = {
    phase: 'staging',
    deployment: destination,
    record: structuredClone(recorded) as Journal['record'],
    made: [...made],
    dropped: [...dropped],
    groups: [...groups],
  };
  await writeJournal(container, journal);
  return journal;
}

interface Asides {
  readonly groups: readonly Group[];
  readonly mirror: string;
}

/** @returns what is complete: files that nobody can remove are named in a warning, and stay */
async function putAside(context: Context, host: Directory, { groups, mirror }: Asides): Promise<Group[]> {
  const complete: Group[] = [];
  const devices = new Map<bigint | undefined, string>();
  for (const group of groups) {
    using directory = openOnHost(host, group.directory);
    if (directory === undefined) throw cannotPut(firstOf(group), 'its directory has vanished');
    complete.push({ ...group, changes: await putGroupAside(context, directory, { group, mirror }) });
    devices.set(directory.stat('.')?.dev, group.directory);
  }
  for (const path of devices.values()) {
    using directory = openOnHost(host, path);
    if (directory !== undefined) await syncFileSystem(context, directory.forPrograms);
  }
  return complete;
}

function firstOf({ directory, changes }: Group): string {
  return join(directory, changes[0]?.name ?? '');
}

/** A directory that only loses files, and cannot be changed, stays as it is: its group is left without changes. */
async function putGroupAside(context: Context, directory: Directory, work: AsideWork): Promise<Change[]> {
  const { group } = work;
  const isRemoval = group.changes.every(({ operation }) => operation === 'remove');
  for (let isLast = false; ; isLast = true) {
    try {
      return await tryToPutAside(context, directory, work);
    } catch (error) {
      if (!isRemoval || !isRefused(error)) throw isErrno(error) ? cannotPut(firstOf(group), error) : error;
      ifPossible(() => directory.removeTree(group.aside));
      if (!isLast) continue;
      warnAbout(context, `cannot remove ${printable(firstOf(group))} from the host`, error);
      return [];
    }
  }
}

interface AsideWork {
  readonly group: Group;
  readonly mirror: string;
}

async function tryToPutAside(
  context: Context,
  directory: Directory,
  { group, mirror }: AsideWork,
): Promise<Change[]> {
  using aside = makeAside(directory, group);
  await copyNew(context, aside, { group, mirror });
  return group.changes.filter((change) => {
    const path = join(group.directory, change.name);
    try {
      const isWorthIt = (error: unknown) => change.operation === 'remove' && isRefused(error);
      twice(() => nameAside(directory, aside, change), isWorthIt);
      return true;
    } catch (error) {
      if (change.operation !== 'remove') throw cannotPut(path, error);
      if (!isRefused(error)) throw cannotRemove(path, error);
      warnAbout(context, `cannot remove ${printable(path)} from the host`, error);
      return false;
    }
  });
}

/** Gives the files that a change is about their second names. */
function nameAside(directory: Directory, aside: Aside, { name, operation, stamp }: Change): void {
  if (operation === 'put') return;
  if (operation === 'replace') aside.arriving.link(name, aside.ready, name);
  directory.link(name, aside.leaving, name);
  const old = aside.leaving.stat(name);
  if (old === undefined || stampOf(old) !== stamp) throw new Error('somebody else is changing it');
}

async function copyNew(
  context: Context,
  { arriving }: Aside,
  { group, mirror }: { group: Group; mirror: string },
): Promise<void> {
  const names = group.changes.filter(({ operation }) => operation !== 'remove').map(({ name }) => name);
  if (names.length === 0) return;
  using root = Directory.open(mirror);
  using from = openBelow(root, group.directory);
  if (from === undefined)
    throw new AtomicError(`the host files of ${group.directory} are gone from ${mirror}`);
  await copyFiles(context, { from, to: arriving, names, shownAs: group.directory });
  await labelFiles(context, arriving, { names, place: group.directory });
}
