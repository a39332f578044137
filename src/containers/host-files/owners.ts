/** Finds which other containers own a host file, or have made a directory. */
import { join } from 'node:path';
import type { Context } from '../../context.ts';
import { orUndefined } from '../../errors.ts';
import { entriesIfPresent, exists, readLinkIfPresent } from '../../host/files/files.ts';
import { type Container, containerOf, containerOfJournal } from '../deployments/container.ts';
import { type Info, readDeployment } from '../deployments/deployment.ts';
import { allFolders } from '../deployments/inventory.ts';
import { readJournal } from './journal.ts';
import { type FileRecord, type FileRecords, recordsOf } from './record.ts';
import { hostFilesMirror } from './stage.ts';

/** One of the other containers, with what a deployment of it has on the host, or is about to have. */
interface Owner {
  readonly name: string;
  readonly records: FileRecords;
  readonly directories: ReadonlySet<string>;
  /** Where its host files are laid out, when its record cannot be read. */
  readonly unrecorded?: string;
}

export class Owners {
  readonly #owners: readonly Owner[];

  constructor(owners: readonly Owner[]) {
    this.#owners = owners;
  }

  /** The records of a path by the containers that have it. */
  recordsOf(path: string): readonly FileRecord[] {
    return this.#owners.flatMap(({ records }) => records.get(path) ?? []);
  }

  /** The names of the containers that have a path. */
  namesOf(path: string): readonly string[] {
    const names = this.#owners.filter((owner) => hasFile(owner, path)).map(({ name }) => name);
    return [...new Set(names)].sort();
  }

  /** Whether one of the containers has made a directory, or has one there as a file of its own. */
  haveDirectory(path: string): boolean {
    return this.#owners.some((owner) => owner.directories.has(path) || hasFile(owner, path));
  }
}

function hasFile({ records, unrecorded }: Owner, path: string): boolean {
  if (unrecorded !== undefined) return exists(join(unrecorded, path));
  return records.has(path);
}

/**
 * Finds out what all containers but `container` have on the host, or are about to put there. A record that cannot be
 * read counts for all that its deployment could have put there: what may be somebody else's is not ours.
 */
export function ownersBeside(context: Context, container: Container): Owners {
  const others = allFolders(context).filter(
    ([name, path]) =>
      name !== container.name && (isLink(path) || path.startsWith(context.paths.preinstalled)),
  );
  return new Owners([
    ...others.flatMap(([name, path]) => ownerOf(name, path)),
    ...underWay(context, container),
  ]);
}

/** A slot without link is a container that goes: what it has is not its own any more. */
function isLink(path: string): boolean {
  return readLinkIfPresent(path) !== undefined;
}

function ownerOf(name: string, path: string): readonly Owner[] {
  const active = orUndefined(() => readDeployment(name, path));
  if (active !== undefined)
    return [{ name, records: recordsOf(active.info), directories: directoriesOf(active.info) }];
  const unrecorded = hostFilesMirror(path);
  return exists(unrecorded) ? [{ name, records: new Map(), directories: new Set(), unrecorded }] : [];
}

/** Deployments that are being put on the host, and of which a link need not say so yet. */
function underWay(context: Context, container: Container): readonly Owner[] {
  return entriesIfPresent(container.directory).flatMap((entry) => {
    const name = containerOfJournal(entry.name);
    if (name === undefined || name === container.name) return [];
    const journal = readJournal(containerOf(context, name));
    if (journal === undefined) return [];
    return [{ name, records: recordsOf(journal.record), directories: directoriesOf(journal.record) }];
  });
}

function directoriesOf(record: Partial<Info>): ReadonlySet<string> {
  return new Set(record['created-folders'] ?? []);
}
