/** What containers there are, and how their services fare. */
import { join } from 'node:path';
import type { Context } from '../context.ts';
import { AtomicError, isErrno } from '../errors.ts';
import { readIfPresent } from '../host/files.ts';
import { defaultRuntime } from '../host/runtime.ts';
import { activeStates } from '../host/systemd.ts';
import { shownName } from '../images/reference.ts';
import { vulnerableImages } from '../images/scan-summary.ts';
import { containerFolders, type Deployment, readDeployment } from './deployment.ts';
import { commandOf, parseOciConfig } from './oci-config.ts';

export type ContainerState = 'running' | 'failed' | 'inactive' | 'no service';

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
  readonly state: ContainerState;
  readonly backend: 'ostree';
  /** Path of the OCI runtime. */
  readonly runtime: string;
  readonly isVulnerable: boolean;
  /** compat: everything but `inactive` counts as running in the lists. */
  readonly isRunning: boolean;
}

/**
 * Lists the containers, sorted by name, with one systemctl process for all of them; what cannot be read is named
 * in a warning and left out.
 *
 * @param isAll also those whose service is inactive
 */
export async function listContainers(
  context: Context,
  { isAll }: { isAll: boolean },
): Promise<ContainerRow[]> {
  const deployments = await readDeployments(context);
  if (deployments.length === 0) return [];
  const [states, vulnerable] = await Promise.all([activeStates(context), vulnerableImages(context)]);
  const rows = await Promise.all(
    deployments.map(async (deployment) => {
      const state = stateOf(deployment, states.get(deployment.name));
      return await rowOf(context, deployment, {
        state,
        isVulnerable: vulnerable.has(deployment.info.revision),
      });
    }),
  );
  return rows.filter(({ isRunning }) => isAll || isRunning);
}

/** All containers, those that packages brought included, sorted by name. */
export async function readDeployments(context: Context): Promise<readonly Deployment[]> {
  const { checkouts, preinstalled } = context.paths;
  const own = await containerFolders(checkouts);
  const names = new Set(own.map(([name]) => name));
  const others = (await containerFolders(preinstalled)).filter(([name]) => !names.has(name));
  const read = await Promise.all(
    [...own, ...others].map(async ([name, path]) => await readOrWarn(context, name, path)),
  );
  return read.flat().sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function readOrWarn(context: Context, name: string, path: string): Promise<readonly Deployment[]> {
  // compat: in user mode the repository lies among the containers
  if (path === context.paths.repository) return [];
  try {
    return [await readDeployment(name, path)];
  } catch (error) {
    if (!(error instanceof AtomicError)) throw error;
    context.report({ kind: 'warning', text: `Skipping container '${name}': ${error.message}` });
    return [];
  }
}

function stateOf({ info }: Deployment, active = 'inactive'): ContainerState {
  if (!info['has-container-service']) return 'no service';
  if (active === 'failed') return 'failed';
  return ['active', 'reloading', 'activating'].includes(active) ? 'running' : 'inactive';
}

async function rowOf(
  context: Context,
  { name, path, info }: Deployment,
  { state, isVulnerable }: { state: ContainerState; isVulnerable: boolean },
): Promise<ContainerRow> {
  return {
    id: name,
    imageId: info.revision,
    imageName: info.image === '' ? '' : shownName(info.image),
    name,
    command: await shownCommand(context, name, path),
    created: new Date(info.created * 1000),
    state,
    backend: 'ostree',
    runtime: info.runtime || defaultRuntime(context),
    isVulnerable,
    isRunning: state !== 'inactive',
  };
}

/** A configuration that is missing or damaged has no command; the second is worth a warning. */
async function shownCommand(context: Context, name: string, path: string): Promise<string> {
  const file = join(path, 'config.json');
  try {
    const text = await readIfPresent(file);
    return text === undefined ? '' : commandOf(parseOciConfig(text, file)).join(' ');
  } catch (error) {
    if (!(error instanceof AtomicError) && !isErrno(error, 'EISDIR', 'EACCES')) throw error;
    context.report({ kind: 'warning', text: `Container '${name}': ${error.message}` });
    return '';
  }
}
