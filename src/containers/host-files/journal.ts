/** Records a change of host files before it begins, so that it can be finished or undone. */
import { dirname } from 'node:path';
import * as z from 'zod/mini';
import { AtomicError, orUndefined } from '../../errors.ts';
import {
  readIfPresent,
  removeIfPresent,
  removeTemporary,
  replaceFile,
  syncPath,
} from '../../host/files/files.ts';
import { parseJson } from '../../json.ts';
import { type Container, deploymentAt } from '../deployments/container.ts';

const Change = z.object({
  /** The entry of the directory. */
  name: z.string(),
  /** `put`: there is nothing of that name; `replace` and `remove`: there is a file, or a link, of ours. */
  operation: z.enum(['put', 'replace', 'remove']),
  /** What the entry was when it was compared with our record, see `stampOf`; not for `put`. */
  stamp: z.optional(z.string()),
});

const Journal = z.object({
  /**
   * `staging`: some of what is needed lies aside; `staged`: all of it, on disk; `settling`: the host is as the
   * deployment wants it, on disk, and what lies aside is removed.
   */
  phase: z.enum(['staging', 'staged', 'settling']),
  /** The directory of the deployment that the files belong to, once it has its place. */
  deployment: z.string(),
  /** Its record, as in `info`. */
  record: z.object({
    'installed-files': z.array(z.string()),
    'installed-files-checksum': z.record(z.string(), z.string()),
    'installed-files-links': z.record(z.string(), z.string()),
    'installed-files-sizes': z.record(z.string(), z.number()),
    'installed-files-kept': z.record(z.string(), z.string()),
    'created-folders': z.array(z.string()),
  }),
  /** Directories that are made for it, outermost first. */
  made: z.array(z.string()),
  /** Directories of the deployment before it, removed in the end where they are empty. */
  dropped: z.array(z.string()),
  groups: z.array(
    z.object({
      directory: z.string(),
      /** The name of a directory therein, which nobody can guess or enter; what is needed lies in it. */
      aside: z.string(),
      changes: z.array(Change),
    }),
  ),
});

export type Journal = z.infer<typeof Journal>;
export type Group = Journal['groups'][number];
export type Change = Group['changes'][number];

/**
 * The journal of a container; `undefined` when no change is under way, for one that is damaged, and for that of another
 * directory of containers, from which this one was copied.
 */
export function readJournal(container: Container): Journal | undefined {
  const { hostFiles } = container;
  const text = readIfPresent(hostFiles);
  if (text === undefined) return undefined;
  const damaged = () => new AtomicError(`${hostFiles} is damaged`);
  const journal = orUndefined(() => parseJson(Journal, text, damaged));
  if (journal === undefined) return undefined;
  const deployment = deploymentAt(container, journal.deployment);
  return deployment === undefined ? undefined : { ...journal, deployment };
}

/** Puts a journal on disk. Templates may have filled secrets into what it has the checksums of. */
export async function writeJournal(container: Container, journal: Journal): Promise<void> {
  await replaceFile(container.hostFiles, `${JSON.stringify(journal)}\n`, 0o600);
}

/** The change is over. */
export async function removeJournal({ hostFiles }: Container): Promise<void> {
  await removeTemporary(hostFiles);
  if (await removeIfPresent(hostFiles)) await syncPath(dirname(hostFiles));
}
