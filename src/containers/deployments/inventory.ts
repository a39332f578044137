/** Lists the deployments and containers of this host. */
import type { Dirent } from 'node:fs';
import { join } from 'node:path';
import type { Context } from '../../context.ts';
import { AtomicError, isFailure, lineOf, orUndefined } from '../../errors.ts';
import { warn } from '../../events.ts';
import { entriesIfPresent, exists, readLinkIfPresent } from '../../host/files/files.ts';
import { isHeld } from '../../host/files/lock.ts';
import { isRepository } from '../../host/ostree/refs.ts';
import { byCodePoint } from '../../order.ts';
import { containerOf, hintForMissing, isDangling, slotOf } from './container.ts';
import {
  type Deployment,
  type DeploymentSummary,
  type Info,
  readDeployment,
  readSummary,
} from './deployment.ts';
import { isContainerName } from './name.ts';

/** A container's name, and its link or directory. */
export type NamedFolder = readonly [name: string, path: string];

/**
 * All containers of a directory, sorted, without hidden entries and inactive slots. Dangling links and stray files are
 * among them, so that the listings can name what is broken.
 */
export function containerFolders(folder: string): readonly NamedFolder[] {
  const entries = entriesIfPresent(folder);
  const links = new Set(entries.filter((entry) => entry.isSymbolicLink()).map(({ name }) => name));
  const isSlot = (entry: Dirent) =>
    !entry.isSymbolicLink() && slotOf(entry.name) !== undefined && links.has(entry.name.slice(0, -2));
  return entries
    .filter((entry) => !entry.name.startsWith('.') && !isSlot(entry))
    .map(({ name }) => name)
    .sort()
    .map((name) => [name, join(folder, name)] as const);
}

/** The links, or directories, of all containers, those that packages brought included, sorted by name. */
export function allFolders({ paths }: Context): readonly NamedFolder[] {
  const { checkouts, preinstalled } = paths;
  const own = containerFolders(checkouts);
  const names = new Set(own.map(([name]) => name));
  const others = containerFolders(preinstalled).filter(([name]) => !names.has(name));
  return [...own, ...others].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Whether that is a container, be it a damaged one: a link, which nothing else in the directory of containers is. */
export function isContainerLink({ paths }: Context, [name, path]: NamedFolder): boolean {
  return isContainerName(name) && path !== paths.repository && readLinkIfPresent(path) !== undefined;
}

/** The active deployments of all containers, those that packages brought included, sorted by name. */
export function readDeployments(context: Context): readonly Deployment[] {
  return allFolders(context).flatMap((folder) => readOrWarn(context, folder));
}

/** What the listings show of {@link readDeployments}. */
export function readSummaries(context: Context, folders = allFolders(context)): readonly DeploymentSummary[] {
  return folders.flatMap((folder) => orWarn(context, folder, readSummary));
}

/**
 * Reads one of {@link allFolders}; what cannot be read is named in a warning, unless another command is at work on it.
 */
export function readOrWarn(context: Context, folder: NamedFolder): readonly Deployment[] {
  return orWarn(context, folder, readDeployment);
}

function orWarn<Found>(
  context: Context,
  [name, path]: NamedFolder,
  read: (name: string, path: string) => Found,
): readonly Found[] {
  // compat: in user mode the repository lies among the containers
  if (name === 'repo' && isRepository(path)) return [];
  try {
    requireLink(name, path);
    return [read(name, path)];
  } catch (error) {
    if (!isFailure(error)) throw error;
    const state = stateOf(context, name, path);
    if (state === 'changing') return [];
    const reason =
      state === 'cut short'
        ? 'a command on it was cut short; the next one finishes it'
        : (danglingHint(context, name, path) ?? lineOf(error));
    warn(context, `Skipping container '${name}': ${reason}`);
    return [];
  }
}

/** What is wrong with the link of a container that leads nowhere; `undefined` for all else. */
function danglingHint(context: Context, name: string, path: string): string | undefined {
  const container = isContainerName(name) ? containerOf(context, name) : undefined;
  return container?.link === path && isDangling(container) ? hintForMissing(container) : undefined;
}

/** A slot whose container has lost its link is none. */
function requireLink(name: string, path: string): void {
  if (slotOf(path) === undefined || readLinkIfPresent(path) !== undefined) return;
  throw new AtomicError(
    `${path} is a deployment without a container; 'atomic uninstall ${name.slice(0, -2)}' removes it`,
  );
}

/** Whether a container, or for NAME.0 also NAME, is being changed by a command, or was by one that was killed. */
function stateOf(context: Context, name: string, path: string): 'changing' | 'cut short' | 'as it is' {
  const names = slotOf(path) === undefined ? [name] : [name, name.slice(0, -2)];
  const containers = names.filter(isContainerName).map((text) => containerOf(context, text));
  if (!exists(path) || containers.some(({ lock }) => isHeld(lock))) return 'changing';
  return containers.some(({ marker }) => exists(marker)) ? 'cut short' : 'as it is';
}

/** The directory of a deployment, NAME.0 or NAME.1, whether its container uses it now or not. */
export interface SlotFolder {
  /** The name of its container. */
  readonly container: string;
  readonly path: string;
  /** Whether there is no link, and nothing else, with the container's name. */
  readonly isUnclaimed: boolean;
}

/** All deployments of this host, sorted by name; hidden directories are at work, and left out. */
export function slotFolders({ paths: { checkouts } }: Context): readonly SlotFolder[] {
  const entries = entriesIfPresent(checkouts);
  const names = new Set(entries.map(({ name }) => name));
  return entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && slotOf(entry.name) !== undefined)
    .map(({ name }) => ({ container: name.slice(0, -2), path: join(checkouts, name) }))
    .map((slot) => ({ ...slot, isUnclaimed: !names.has(slot.container) }))
    .sort((a, b) => byCodePoint(a.path, b.path));
}

/** The record of a deployment, with the name of its container. */
export interface DeploymentRecord {
  readonly container: string;
  readonly info: Info;
}

/** What all deployments record, also those that a rollback would return to; damaged records are left out. */
export function recordedDeployments(context: Context): readonly DeploymentRecord[] {
  return slotFolders(context).flatMap(({ container, path }) => {
    const deployment = orUndefined(
      () => readDeployment(container, path),
      (error) => warn(context, error.line),
    );
    return deployment === undefined ? [] : [{ container, info: deployment.info }];
  });
}

/** The commits that deployments record as that of their image. */
export function deployedCommits(context: Context): ReadonlySet<string> {
  const records = recordedDeployments(context);
  return new Set(records.map(({ info }) => info['ostree-commit']).filter((commit) => commit !== ''));
}
