/** Renames staged host files to their final paths, while the service is stopped. */
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

/**
 * Makes the host files those of the deployment that `stageOnHost` has prepared; renames, links and unlinks only. Can be
 * run again from any half-way state, by another process too; does nothing when nothing is staged. What somebody has put
 * in the place of a file, or changed, since it was staged stays, and is reported.
 *
 * @throws AtomicError, naming the file, when one cannot get its place; `undoHostFiles` puts all back
 */
export async function swapHostFiles(context: Context, container: Container): Promise<void> {
  const journal = readJournal(container);
  if (journal?.phase !== 'staged') return;
  using host = openHost(context);
  const created: string[] = [];
  const taken: string[] = [];
  for (const group of journal.groups) {
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

function swapGroup(host: Directory, group: Group): readonly [path: string, Outcome][] {
  if (group.changes.length === 0) return [];
  using directory = openGroup(host, group);
  using aside = directory && openAside(directory, group);
  if (directory === undefined || aside === undefined)
    throw cannotPut(firstOf(group), `${group.directory} is not what it was a moment ago`);
  return group.changes.map((change) => {
    const path = join(group.directory, change.name);
    return [path, swapOne({ path, change, directory, aside })];
  });
}

function firstOf({ directory, changes }: Group): string {
  return join(directory, changes[0]?.name ?? '');
}

function openGroup(host: Directory, group: Group): Directory | undefined {
  try {
    return openOnHost(host, group.directory);
  } catch (error) {
    throw cannotPut(firstOf(group), error);
  }
}

interface Place {
  readonly path: string;
  readonly change: Change;
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

function putOne({ change: { name, stamp }, directory, aside }: Place): Outcome {
  const now = directory.stat(name);
  if (isSame(now, aside.arriving.stat(name))) return 'done';
  try {
    if (now === undefined) aside.arriving.link(name, directory, name);
    else if (isSame(now, aside.leaving.stat(name)) && stampOf(now) === stamp)
      aside.ready.rename(name, directory, name);
    else return 'taken';
    return 'put';
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return 'taken';
    throw error;
  }
}

function removeOne({ change: { name, stamp }, directory, aside }: Place): Outcome {
  const now = directory.stat(name);
  if (now === undefined) return 'done';
  if (!isSame(now, aside.leaving.stat(name)) || stampOf(now) !== stamp) return 'modified';
  directory.unlink(name);
  return 'done';
}
