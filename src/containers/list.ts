/** `atomic containers list`: lists containers and the states of their services. */

import { join } from 'node:path';
import type { Context } from '../context.ts';
import { ifPossible, lineOf } from '../errors.ts';
import { warn } from '../events.ts';
import { readIfPresent } from '../host/files/files.ts';
import { activeStates } from '../host/systemd.ts';
import { shownName } from '../images/names/reference.ts';
import { vulnerableImages } from '../images/store/scan-summary.ts';
import type { Deployment } from './deployments/deployment.ts';
import { allFolders, type NamedFolder, readOrWarn } from './deployments/inventory.ts';
import { runtimeFor } from './deployments/runtime.ts';
import { dockerContainers } from './docker/engine.ts';
import { commandOf, parseOciConfig } from './rendering/oci-config.ts';

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
    runtime: runtimeFor(context, { recorded: info.runtime }),
    isVulnerable,
    isRunning: state !== 'inactive',
  };
}

/** A configuration that is missing or damaged has no command; the second is worth a warning. */
function shownCommand(context: Context, { name, path }: Deployment): string {
  const file = join(path, 'config.json');
  const read = () => {
    const text = readIfPresent(file);
    return text === undefined ? '' : commandOf(parseOciConfig(text, file)).join(' ');
  };
  return ifPossible(read, (error) => warn(context, `Container '${name}': ${lineOf(error)}`)) ?? '';
}
