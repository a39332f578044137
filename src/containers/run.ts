/** `atomic run`: starts the service of a container, or runs a command in a container or an image. */
import type { Context } from '../context.ts';
import { AtomicError } from '../errors.ts';
import { note } from '../events.ts';
import { exists } from '../host/files/files.ts';
import { deleteContainer } from '../host/runtime/runtime.ts';
import { noManager } from '../host/service-manager.ts';
import * as systemd from '../host/systemd.ts';
import { findOrPullImage } from '../images/find-or-pull.ts';
import { parseReference } from '../images/names/reference.ts';
import { findImage } from '../images/store/images.ts';
import {
  type Container,
  containerOf,
  hintForMissing,
  installedPath,
  isDangling,
  preinstalledPath,
} from './deployments/container.ts';
import { isContainerName, parseContainerName } from './deployments/name.ts';
import { recordedRuntime, requireInstalledRuntime, runtimeFor } from './deployments/runtime.ts';
import { hasForeignUnit } from './deployments/unit-owner.ts';
import { dockerCommand } from './docker/command.ts';
import { orPointToDocker } from './docker/names.ts';
import { parseSet } from './rendering/values.ts';
import { type DeployedContainer, runCommand } from './runs/command.ts';
import { isServiceRunning, startService } from './service/service.ts';
import { withContainer } from './transaction/transaction.ts';

export interface RunRequest {
  /** Of a container; with a command, also of an image. */
  readonly name: string;
  /** Empty: start the service. */
  readonly command: readonly string[];
  readonly isDetached: boolean;
  /** Whether standard input is a terminal. */
  readonly stdinIsTty: boolean;
  readonly runtime?: string;
  /** `NAME=VALUE` each; for images only. */
  readonly set: readonly string[];
  /** Say what would be done, and do nothing. */
  readonly isDryRun: boolean;
}

/**
 * Starts the service of a container, or runs a command.
 *
 * @returns the exit status for the program
 * @throws AtomicError when there is no such container or image, or its service does not start
 */
export async function runContainer(context: Context, request: RunRequest): Promise<number> {
  const { name } = request;
  const command = dockerCommand(name, request.command);
  return await orPointToDocker(context, { name, command }, () => run(context, request));
}

async function run(context: Context, request: RunRequest): Promise<number> {
  const found = findContainer(context, request.name);
  if (request.isDryRun) return display(context, request, found);
  if (found === undefined) return await runImage(context, request);
  if (request.command.length === 0) return await start(context, found);
  // finishes what a killed command has left, and lets go: the command may take long
  await withContainer(context, found.container, async () => undefined);
  const { container, path } = findContainer(context, request.name) ?? found;
  const named = request.runtime;
  const runtime = named ? runtimeFor(context, { named }) : recordedRuntime(context, container, path);
  return await runCommand(context, { container, path }, { ...request, runtime });
}

function findContainer(context: Context, text: string): DeployedContainer | undefined {
  if (!isContainerName(text)) return undefined;
  const container = containerOf(context, text);
  const path = installedPath(container);
  return path === undefined ? undefined : { container, path };
}

async function start(context: Context, { container, path }: DeployedContainer): Promise<number> {
  if (!context.hasManager) throw noManager(context, `cannot start '${container.name}': `);
  const runtime = recordedRuntime(context, container, path);
  await withContainer(context, container, async () => {
    requireUnit(container);
    if (!(await isServiceRunning(context, container)))
      await deleteContainer(context, runtime, container.name);
    await startService(context, container);
  });
  return 0;
}

function requireUnit(container: Container): void {
  const { name, unit } = container;
  const isForeign = hasForeignUnit(container);
  if (!isForeign && (exists(unit) || preinstalledPath(container) !== undefined)) return;
  const what = isForeign ? 'is not its own' : 'does not exist';
  throw new AtomicError(`cannot start '${name}': it has no service`, {
    hint: `${unit} ${what}; see 'atomic containers list -a'`,
  });
}

async function runImage(context: Context, request: RunRequest): Promise<number> {
  requireRunnableImage(context, request);
  const runtime = runtimeFor(context, { named: request.runtime });
  requireInstalledRuntime(runtime);
  const obtained = await findOrPullImage(context, request.name);
  const { runImageOnce } = await import('./runs/image-once.ts');
  return await runImageOnce(context, {
    ...obtained,
    set: parseSet(request.set),
    runtime,
    command: request.command,
    stdinIsTty: request.stdinIsTty,
  });
}

/** A plain name that is neither a container nor an image here is a container that is missing. */
function requireRunnableImage(context: Context, { name, command, isDetached }: RunRequest): void {
  const container = isContainerName(name) ? containerOf(context, name) : undefined;
  if ((container && isDangling(container)) || !isImage(context, name, command.length > 0)) {
    const missing = container ?? containerOf(context, parseContainerName(name));
    throw new AtomicError(`The container '${name}' doesn't exist`, { hint: hintForMissing(missing) });
  }
  if (isDetached) throw new AtomicError('Cannot use --detach with not running containers');
  if (command.length > 0) return;
  throw new AtomicError(`The container '${name}' doesn't exist`, {
    hint: `for the image, use 'atomic install --system ${name}', or give a command to run once`,
  });
}

/** @param canPull whether a name with a registry counts, though its image is not here */
function isImage(context: Context, name: string, canPull: boolean): boolean {
  try {
    const isQualified = name.includes(':') || (canPull && parseReference(name).registry !== '');
    return isQualified || findImage(context, name) !== undefined;
  } catch (error) {
    if (error instanceof AtomicError) return false;
    throw error;
  }
}

function display(context: Context, request: RunRequest, container: DeployedContainer | undefined): number {
  if (container === undefined) requireRunnableImage(context, request);
  const words = request.command.length === 0 ? undefined : request.command.join(' ');
  if (words === undefined)
    context.report({ kind: 'command', argv: systemd.systemctlArgv(context, 'start', request.name) });
  else note(context, `Would run in ${request.name}: ${words}`);
  return 0;
}
