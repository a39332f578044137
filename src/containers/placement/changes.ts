/** Computes and records which host files change between two deployments. */
import { randomBytes } from 'node:crypto';
import { basename } from 'node:path';
import type { Context } from '../../context.ts';
import { type Directory, Obstacle } from '../../host/files/directory.ts';
import type { Deployment } from '../deployments/deployment.ts';
import { decide, decideRemoval } from '../host-files/decide.ts';
import { type Found, findIn } from '../host-files/found.ts';
import { byDirectory, openOnHost, parentsOf } from '../host-files/host-path.ts';
import type { Change, Group } from '../host-files/journal.ts';
import { cannotPut, noteExists, noteModified, printable, warnAbout } from '../host-files/notes.ts';
import type { Owners } from '../host-files/owners.ts';
import { type FileRecord, type FileRecords, isDirectoryRecord, recordsOf } from '../host-files/record.ts';
import { stampOf } from './aside.ts';

/** What is to be done, and what the record of the deployment will be. */
export interface Changes {
  readonly groups: readonly Group[];
  readonly record: FileRecords;
  /** Directories that have to be made, outermost first. */
  readonly made: readonly string[];
  /** Directories of the deployment before it that are of no use any more. */
  readonly dropped: readonly string[];
}

export interface Transition {
  readonly to: Deployment;
  /** The deployments whose files are on the host. */
  readonly installed: readonly Deployment[];
  readonly owners: Owners;
}

/**
 * Compares the host with the record of the deployment `to` and with those of the `installed` ones.
 *
 * @throws AtomicError when a path of `to` leads through a link or a file
 */
export async function changesFor(
  context: Context,
  host: Directory,
  transition: Transition,
): Promise<Changes> {
  const { to, installed, owners } = transition;
  const work: Work = {
    owners,
    wanted: recordsOf(to.info),
    known: installed.map(({ info }) => recordsOf(info)),
    record: new Map(),
    putDirectories: [],
    droppedDirectories: [],
  };
  const paths = new Set([...work.wanted.keys(), ...work.known.flatMap((records) => [...records.keys()])]);
  const groups: Group[] = [];
  for (const [directory, entries] of byDirectory([...paths].sort(), (path) => path)) {
    const changes = await changesIn(context, host, { directory, entries, work });
    const aside = `.atomic-${randomBytes(8).toString('hex')}`;
    if (changes.length > 0) groups.push({ directory, aside, changes });
  }
  return { groups, record: work.record, ...directoriesFor(host, { transition, work, groups }) };
}

interface Work {
  readonly owners: Owners;
  readonly wanted: FileRecords;
  readonly known: readonly FileRecords[];
  /** What `to` will have on the host. */
  readonly record: Map<string, FileRecord>;
  /** Directories that are files of the image: those that `to` needs, and those that it has not. */
  readonly putDirectories: string[];
  readonly droppedDirectories: string[];
}

interface Entries {
  readonly directory: string;
  readonly entries: readonly string[];
  readonly work: Work;
}

async function changesIn(
  context: Context,
  host: Directory,
  { directory: path, entries, work }: Entries,
): Promise<Change[]> {
  try {
    using directory = openOnHost(host, path);
    const changes: Change[] = [];
    for (const entry of entries) {
      const found = directory && findIn(directory, basename(entry), context.signal);
      const change = await changeOf(context, entry, { found, work });
      if (change !== undefined) changes.push(change);
    }
    return changes;
  } catch (error) {
    if (!(error instanceof Obstacle)) throw error;
    const wanted = entries.find((entry) => work.wanted.has(entry));
    if (wanted !== undefined) throw cannotPut(wanted, error);
    for (const entry of entries) warnAbout(context, `cannot remove ${printable(entry)} from the host`, error);
    return [];
  }
}

async function changeOf(
  context: Context,
  path: string,
  { found, work }: { found: Found | undefined; work: Work },
): Promise<Change | undefined> {
  const wanted = work.wanted.get(path);
  const mine = work.known.flatMap((records) => records.get(path) ?? []);
  const owners = work.owners.recordsOf(path);
  if (wanted === undefined) return await removalOf(context, path, { found, mine, work });
  const decision = await decide({ wanted, found, mine, owners });
  const { kept: _, ...own } = wanted;
  if (decision === 'leave') {
    if (!isDirectoryRecord(wanted)) noteExists(context, path, work.owners);
    return undefined;
  }
  work.record.set(path, decision === 'keep' ? { ...own, kept: (await found?.fingerprint()) ?? '' } : own);
  if (decision === 'put' && isDirectoryRecord(wanted)) work.putDirectories.push(path);
  else if (decision === 'put') return { name: basename(path), operation: 'put' };
  else if (decision === 'replace' && found) return { ...entryOf(path, found), operation: 'replace' };
  return undefined;
}

async function removalOf(
  context: Context,
  path: string,
  { found, mine, work }: { found: Found | undefined; mine: readonly FileRecord[]; work: Work },
): Promise<Change | undefined> {
  const removal = await decideRemoval({ found, mine, isShared: work.owners.namesOf(path).length > 0 });
  if (removal === 'changed') noteModified(context, path);
  if (removal !== 'remove' || found === undefined) return undefined;
  if (!found.stat.isDirectory()) return { ...entryOf(path, found), operation: 'remove' };
  work.droppedDirectories.push(path);
  return undefined;
}

function entryOf(path: string, found: Found): Pick<Change, 'name' | 'stamp'> {
  return { name: basename(path), stamp: stampOf(found.stat) };
}

function directoriesFor(
  host: Directory,
  { transition, work, groups }: { transition: Transition; work: Work; groups: readonly Group[] },
): Pick<Changes, 'made' | 'dropped'> {
  const { to, installed, owners } = transition;
  const parents = groups
    .filter(({ changes }) => changes.some(({ operation }) => operation === 'put'))
    .flatMap(({ directory }) => [...parentsOf(directory), directory]);
  const needed = [...parents, ...work.putDirectories.flatMap((path) => [...parentsOf(path), path])];
  const before = installed.flatMap(({ info }) => info['created-folders'] ?? []);
  const stays = new Set([...(to.info['created-folders'] ?? []), ...work.record.keys()]);
  return {
    made: [...new Set(needed)].filter((path) => path !== '/' && !isOnHost(host, path)).sort(),
    dropped: [...new Set([...before, ...work.droppedDirectories])].filter(
      (path) => !stays.has(path) && !owners.haveDirectory(path),
    ),
  };
}

function isOnHost(host: Directory, path: string): boolean {
  using directory = openOnHost(host, path);
  return directory !== undefined;
}
