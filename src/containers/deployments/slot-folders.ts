/** The folders of deployments, whether a container uses them now or not, and what they were made from. */
import { join } from 'node:path';
import type { Context } from '../../context.ts';
import { type AtomicError, orUndefined } from '../../errors.ts';
import { entriesIfPresent } from '../../host/files/files.ts';
import { type Info, readDeployment, slotOf } from './deployment.ts';

/** A folder NAME.0 or NAME.1. */
export interface SlotFolder {
  /** The name of its container. */
  readonly container: string;
  readonly path: string;
  /** Whether there is no link, and nothing else, with the container's name. */
  readonly isUnclaimed: boolean;
}

/** All deployments of this host, sorted by name; hidden folders are at work, and left out. */
export function slotFolders({ paths: { checkouts } }: Context): readonly SlotFolder[] {
  const entries = entriesIfPresent(checkouts);
  const names = new Set(entries.map(({ name }) => name));
  return entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && slotOf(entry.name) !== undefined)
    .map(({ name }) => ({ container: name.slice(0, -2), path: join(checkouts, name) }))
    .map((slot) => ({ ...slot, isUnclaimed: !names.has(slot.container) }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** The record of a deployment, with the name of its container. */
export interface DeploymentRecord {
  readonly container: string;
  readonly info: Info;
}

/** What all deployments record, also those that a rollback would return to; damaged records are left out. */
export function recordedDeployments(context: Context): readonly DeploymentRecord[] {
  return slotFolders(context).flatMap(({ container, path }) => {
    const warn = ({ message }: AtomicError) => context.report({ kind: 'warning', text: message });
    const deployment = orUndefined(() => readDeployment(container, path), warn);
    return deployment === undefined ? [] : [{ container, info: deployment.info }];
  });
}

/** The commits that deployments record as that of their image. */
export function deployedCommits(context: Context): ReadonlySet<string> {
  const records = recordedDeployments(context);
  return new Set(records.map(({ info }) => info['ostree-commit']).filter((commit) => commit !== ''));
}
