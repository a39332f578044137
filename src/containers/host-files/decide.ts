/** Decides what happens to one path of the host; changes nothing. */
import type { Found } from './found.ts';
import { type FileRecord, fingerprintOf, isDirectoryRecord } from './record.ts';

/**
 * `put`: nothing is there. `replace`: our own file makes room for a newer one. `same`: it is there already, put there
 * by us or by another of our containers. `keep`: our own file stays as it is, since other containers have it, too, and
 * want it so. `leave`: it is somebody else's, or somebody has changed it.
 */
export type Decision = 'put' | 'replace' | 'same' | 'keep' | 'leave';

export interface Situation {
  /** What a deployment wants to be there. */
  readonly wanted: FileRecord;
  /** What is there. */
  readonly found: Found | undefined;
  /** What the deployment before it has recorded. */
  readonly mine: readonly FileRecord[];
  /** What other containers have recorded. */
  readonly owners: readonly FileRecord[];
}

/** Decides about a path that a deployment wants to have a file in. */
export async function decide({ wanted, found, mine, owners }: Situation): Promise<Decision> {
  if (found === undefined) return 'put';
  const { kept: _, ...own } = wanted;
  if (await found.matches(own)) return (await isOneOf(found, [...mine, ...owners])) ? 'same' : 'leave';
  const isDirectory = found.stat.isDirectory() || isDirectoryRecord(wanted);
  if (isDirectory || !(await isOneOf(found, mine))) return 'leave';
  return owners.every((owner) => fingerprintOf(owner) === fingerprintOf(wanted)) ? 'replace' : 'keep';
}

/** `remove`: it is as we put it there. `changed`: it is not. `absent`: it is gone, or stays with other containers. */
export type Removal = 'remove' | 'changed' | 'absent';

/** Decides about a path in which the next deployment has no file. */
export async function decideRemoval({
  found,
  mine,
  isShared,
}: Pick<Situation, 'found' | 'mine'> & { readonly isShared: boolean }): Promise<Removal> {
  if (found === undefined || isShared) return 'absent';
  return (await isOneOf(found, mine)) ? 'remove' : 'changed';
}

async function isOneOf(found: Found, records: readonly FileRecord[]): Promise<boolean> {
  for (const record of records) if (await found.matches(record)) return true;
  return false;
}
