/** `atomic containers list`: lists containers and the states of their services. */
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Context } from '../context.ts';
import { AtomicError, ifPossible, lineOf } from '../errors.ts';
import { warn } from '../events.ts';
import type { EngineContainer } from '../host/docker.ts';
import { readIfPresent } from '../host/files/files.ts';
import { activeStates } from '../host/systemd.ts';
import { shownName } from '../images/names/reference.ts';
import { hexOf } from '../images/store/manifest.ts';
import { vulnerableImages } from '../images/store/scan-summary.ts';
import { byCodePoint } from '../order.ts';
import { waitForAll } from '../wait-for-all.ts';
import type { DeploymentSummary } from './deployments/deployment.ts';
import { allFolders, readSummaries } from './deployments/inventory.ts';
import { runtimeFor } from './deployments/runtime.ts';
import { engineContainers } from './docker/engine.ts';
import { commandOf, parseOciConfig } from './rendering/oci-config.ts';

/** As `docker ps` has it: what runs, or would if it were let. */
const RUNNING = ['running', 'paused', 'restarting'];

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
  /** `running`, `failed`, `inactive`, `no service`, or, where systemd cannot be asked, `unknown`; of Docker's what it says, such as `exited`. */
  readonly state: string;
  readonly backend: 'ostree' | 'docker';
  /** Path of the OCI runtime; `docker` for those of Docker. */
  readonly runtime: string;
  readonly isVulnerable: boolean;
  /** compat: of ours, everything but `inactive` counts as running in the lists. */
  readonly isRunning: boolean;
}

/**
 * Lists the containers, sorted by name, then those of Docker, with one systemctl process for all of them; what
 * cannot be read is named in a warning and left out.
 *
 * @param isAll also those that do not run
 */
export async function listContainers(
  context: Context,
  { isAll }: { isAll: boolean },
): Promise<ContainerRow[]> {
  const [own, others] = await waitForAll([ownContainers(context), dockerContainers(context)]);
  return [...own, ...others].filter(({ isRunning }) => isAll || isRunning);
}

async function dockerContainers(context: Context): Promise<readonly ContainerRow[]> {
  const containers = await engineContainers(context);
  const vulnerable = containers.length === 0 ? new Set<string>() : vulnerableImages(context);
  return containers
    .map((container) => containerRow(container, vulnerable))
    .sort((a, b) => byCodePoint(a.name, b.name));
}

/** The row of a container of Docker's. */
export function containerRow(container: EngineContainer, vulnerable: ReadonlySet<string>): ContainerRow {
  const { Id: id, Image: imageName, Command: command, State: state } = container;
  const imageId = hexOf(container.ImageID);
  return {
    id,
    imageId,
    imageName,
    name: nameOf(container),
    command,
    created: new Date(container.Created * 1000),
    state,
    backend: 'docker',
    runtime: 'docker',
    isVulnerable: vulnerable.has(imageId),
    isRunning: RUNNING.includes(state),
  };
}

function nameOf({ Names: names }: EngineContainer): string {
  const own = names?.map((name) => name.slice(1)).filter((name) => !name.includes('/')) ?? [];
  return own[0] ?? '';
}

async function ownContainers(context: Context): Promise<readonly ContainerRow[]> {
  const folders = allFolders(context);
  if (folders.length === 0) return [];
  // systemd answers while we read, once the program that asks has been started
  const asked = knownStates(context);
  await setImmediate();
  const containers = readSummaries(context, folders).map((deployment) => ({
    deployment,
    command: shownCommand(context, deployment),
  }));
  const states = await asked;
  const vulnerable = vulnerableImages(context);
  return containers.map(({ deployment, command }) => {
    const state = stateOf(deployment, states);
    const isVulnerable = vulnerable.has(deployment.info.revision);
    return rowOf(context, deployment, { state, command, isVulnerable });
  });
}

/** The states of services; `undefined`, and a warning, where systemd cannot be asked: in a chroot, or in a job of cron. */
async function knownStates(context: Context): Promise<ReadonlyMap<string, string> | undefined> {
  try {
    return await activeStates(context);
  } catch (error) {
    if (!(error instanceof AtomicError)) throw error;
    warn(context, `Cannot find out which containers run: ${error.line}`);
    return undefined;
  }
}

function stateOf({ name, info }: DeploymentSummary, states: ReadonlyMap<string, string> | undefined): string {
  if (!info['has-container-service']) return 'no service';
  if (states === undefined) return 'unknown';
  const active = states.get(name) ?? 'inactive';
  if (active === 'failed') return 'failed';
  return ['active', 'reloading', 'activating'].includes(active) ? 'running' : 'inactive';
}

function rowOf(
  context: Context,
  { name, info }: DeploymentSummary,
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
    runtime: runtimeFor(context, { recorded: info.runtime }),
    isVulnerable,
    isRunning: state !== 'inactive',
  };
}

/** A configuration that is missing or damaged has no command; the second is worth a warning. */
function shownCommand(context: Context, { name, path }: DeploymentSummary): string {
  const file = join(path, 'config.json');
  const read = () => {
    const text = readIfPresent(file);
    return text === undefined ? '' : commandOf(parseOciConfig(text, file)).join(' ');
  };
  return ifPossible(read, (error) => warn(context, `Container '${name}': ${lineOf(error)}`)) ?? '';
}
