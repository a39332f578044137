/** `atomic run NAME COMMAND`: runs a command in the running container, or in a temporary one. */
import { realpathSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Context, shieldedFrom } from '../../context.ts';
import { AtomicError } from '../../errors.ts';
import { warn } from '../../events.ts';
import { createFile, exists, readIfPresent } from '../../host/files/files.ts';
import { type BeforeRemoval, temporaryFolder } from '../../host/files/temporary-folder.ts';
import { guardContainer } from '../../host/runtime/guard.ts';
import {
  deleteContainer,
  type ExecRequest,
  execInContainer,
  isContainerRunning,
  runBundle,
  startInContainer,
} from '../../host/runtime/runtime.ts';
import type { Container } from '../deployments/container.ts';
import { bindSources, parseOciConfig, singleRunConfig } from '../rendering/oci-config.ts';
import { isServiceRunning } from '../service/service.ts';

/** How long a container may take to come up, and how often we look, in milliseconds. */
const PATIENCE = 5000;
const INTERVAL = 50;

export interface CommandRequest {
  readonly command: readonly string[];
  readonly isDetached: boolean;
  readonly stdinIsTty: boolean;
  readonly runtime: string;
}

/** A container, and the directory of the deployment that is meant. */
export interface DeployedContainer {
  readonly container: Container;
  readonly path: string;
}

/**
 * Runs a command with our standard streams.
 *
 * @returns its exit status
 * @throws AtomicError when it is to be detached and the container does not run
 */
export async function runCommand(
  context: Context,
  { container, path }: DeployedContainer,
  request: CommandRequest,
): Promise<number> {
  if (await isServiceRunning(context, container)) {
    await waitUntilUp(context, container, request.runtime);
    const exec = { id: container.name, ...request };
    if (request.isDetached) return await startDetached(context, request.runtime, exec);
    return await execInContainer(context, request.runtime, exec);
  }
  if (request.isDetached) throw new AtomicError('Cannot use --detach with not running containers');
  return await runOneOff(context, { container, path }, request);
}

/** systemd calls a service active as soon as its runtime has been started; the container comes a moment later. */
async function waitUntilUp(context: Context, { name }: Container, runtime: string): Promise<void> {
  for (let waited = 0; waited < PATIENCE; waited += INTERVAL) {
    if (await isContainerRunning(context, runtime, name)) return;
    await sleep(INTERVAL, undefined, { signal: context.signal });
  }
}

async function startDetached(context: Context, runtime: string, request: ExecRequest): Promise<number> {
  await using folder = await temporaryFolder(context, context.paths.temporary, 'exec');
  const log = join(folder.path, 'log');
  const status = await startInContainer(context, runtime, { ...request, log });
  const lines = (readIfPresent(log) ?? '').split('\n').filter(Boolean);
  for (const line of lines) warn(context, line);
  return status;
}

async function runOneOff(
  context: Context,
  { container, path }: DeployedContainer,
  { command, stdinIsTty, runtime }: CommandRequest,
): Promise<number> {
  const file = join(path, 'config.json');
  const text = readIfPresent(file);
  if (text === undefined)
    throw new AtomicError(`cannot run a command in '${container.name}': ${file} is missing`);
  await makeRunSources(bindSources(parseOciConfig(text, file), file));
  await using bundle = await temporaryFolder(
    context,
    context.paths.temporary,
    'run',
    endOf(context, runtime),
  );
  using _guard = await guardContainer(context, { runtime, id: idOf(bundle.path), folder: bundle.path });
  const rootPath = realpathSync(join(path, 'rootfs'));
  const config = singleRunConfig(text, file, { rootPath, command, stdinIsTty });
  await createFile(join(bundle.path, 'config.json'), config, 0o600);
  return await runBundle(context, runtime, { id: idOf(bundle.path), folder: bundle.path });
}

/** The id of a one-off container is the name of its bundle, without the dot. */
function idOf(bundle: string): string {
  return basename(bundle).slice(1);
}

/** Ends the container of a bundle, whoever started it. */
function endOf(context: Context, runtime: string): BeforeRemoval {
  return async (bundle) => await deleteContainer(shieldedFrom(context), runtime, idOf(bundle));
}

/** Makes missing sources of bind mounts below /run, which the service's tmpfiles.d file makes when it starts. */
async function makeRunSources(sources: readonly string[]): Promise<void> {
  const missing = sources.filter((source) => /^(\/var)?\/run\//.test(source) && !exists(source));
  for (const source of missing) await mkdir(source, { recursive: true });
}
