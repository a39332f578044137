/** What containers there are, and how their services fare. */
import { join } from 'node:path';
import type { Context } from '../context.ts';
import { AtomicError } from '../errors.ts';
import { isUnreadable, readIfPresent, readLinkIfPresent } from '../host/files.ts';
import { isRepository } from '../host/ostree-repository.ts';
import { defaultRuntime } from '../host/runtime.ts';
import { activeStates } from '../host/systemd.ts';
import { shownName } from '../images/reference.ts';
import { vulnerableImages } from '../images/scan-summary.ts';
import { containerFolders, type Deployment, type NamedFolder, readDeployment, slotOf } from './deployment.ts';
import { dockerContainers } from './docker-lists.ts';
import { commandOf, parseOciConfig } from './oci-config.ts';

/** One container as the listings show it. */
export interface ContainerRow {
  readonly id: string;
  readonly imageId: string;
  /** `[REGISTRY/][REPOSITORY/]IMAGE:TAG` */
  readonly imageName: string;
  readonly name: string;
  /** The arguments of the container's process, joined by blanks. */
  readonly command: string;
  readonly created: Date;
  /** `running`, `failed`, `inactive` or `no service`; of Docker's what it says, such as `exited`. */
  readonly state: string;
  readonly backend: 'ostree' | 'docker';
  /** Path of the OCI runtime; `docker` for those of Docker. */
  readonly runtime: string;
  readonly isVulnerable: boolean;
  /** compat: of ours, everything but `inactive` counts as running in the lists. */
  readonly isRunning: boolean;
}

/**
 * Lists the containers, sorted by name, those of Docker behind ours, with one systemctl process for all of them; what
 * cannot be read is named in a warning and left out.
 *
 * @param isAll also those that do not run
 */
export async function listContainers(
  context: Context,
  { isAll }: { isAll: boolean },
): Promise<ContainerRow[]> {
  const others = await dockerContainers(context);
  return [...(await ownContainers(context)), ...others].filter(({ isRunning }) => isAll || isRunning);
}

async function ownContainers(context: Context): Promise<readonly ContainerRow[]> {
  const folders = allFolders(context);
  if (folders.length === 0) return [];
  // systemd answers while we read
  const [states, contents] = await Promise.all([activeStates(context), readContents(context, folders)]);
  const vulnerable = vulnerableImages(context);
  return contents.map(({ deployment, command }) => {
    const state = stateOf(deployment, states.get(deployment.name));
    const isVulnerable = vulnerable.has(deployment.info.revision);
    return rowOf(context, deployment, { state, command, isVulnerable });
  });
}

interface Content {
  readonly deployment: Deployment;
  readonly command: string;
}

function readContents(context: Context, folders: readonly NamedFolder[]): readonly Content[] {
  return folders
    .flatMap((folder) => readOrWarn(context, folder))
    .map((deployment) => ({
      deployment,
      command: shownCommand(context, deployment),
    }));
}

/** All containers, those that packages brought included, sorted by name. */
export function readDeployments(context: Context): readonly Deployment[] {
  return allFolders(context).flatMap((folder) => readOrWarn(context, folder));
}

function allFolders({ paths }: Context): readonly NamedFolder[] {
  const { checkouts, preinstalled } = paths;
  const own = containerFolders(checkouts);
  const names = new Set(own.map(([name]) => name));
  const others = containerFolders(preinstalled).filter(([name]) => !names.has(name));
  return [...own, ...others].sort(([a], [b]) => (a < b ? -1 : 1));
}

function readOrWarn(context: Context, [name, path]: NamedFolder): readonly Deployment[] {
  // compat: in user mode the repository lies among the containers
  if (name === 'repo' && isRepository(path)) return [];
  try {
    requireContainer(name, path);
    return [readDeployment(name, path)];
  } catch (error) {
    if (!(error instanceof AtomicError)) throw error;
    context.report({ kind: 'warning', text: `Skipping container '${name}': ${error.message}` });
    return [];
  }
}

/** A slot whose container has lost its link is none. */
function requireContainer(name: string, path: string): void {
  if (slotOf(path) === undefined || readLinkIfPresent(path) !== undefined) return;
  const container = name.slice(0, -2);
  throw new AtomicError(
    `${path} is a deployment without container; 'atomic uninstall ${container}' removes it`,
  );
}

function stateOf({ info }: Deployment, active = 'inactive'): string {
  if (!info['has-container-service']) return 'no service';
  if (active === 'failed') return 'failed';
  return ['active', 'reloading', 'activating'].includes(active) ? 'running' : 'inactive';
}

function rowOf(
  context: Context,
  { name, info }: Deployment,
  { state, command, isVulnerable }: { state: string; command: string; isVulnerable: boolean },
): ContainerRow {
  return {
    id: name,
    imageId: info.revision,
    imageName: info.image === '' ? '' : shownName(info.image),
    name,
    command,
    created: new Date(info.created * 1000),
    state,
    backend: 'ostree',
    runtime: info.runtime || defaultRuntime(context),
    isVulnerable,
    isRunning: state !== 'inactive',
  };
}

/** A configuration that is missing or damaged has no command; the second is worth a warning. */
function shownCommand(context: Context, { name, path }: Deployment): string {
  const file = join(path, 'config.json');
  try {
    const text = readIfPresent(file);
    return text === undefined ? '' : commandOf(parseOciConfig(text, file)).join(' ');
  } catch (error) {
    if (!(error instanceof AtomicError) && !isUnreadable(error)) throw error;
    context.report({ kind: 'warning', text: `Container '${name}': ${error.message}` });
    return '';
  }
}
