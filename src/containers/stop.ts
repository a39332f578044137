/** `atomic stop`: stops the service of a container, and leaves no container behind. */
import type { Context } from '../context.ts';
import { AtomicError, ToolError } from '../errors.ts';
import { readIfPresent } from '../host/files.ts';
import { deleteContainer } from '../host/runtime.ts';
import * as systemd from '../host/systemd.ts';
import { containerPaths } from './deployment.ts';
import { installedRuntime } from './installed-runtime.ts';
import { type ContainerName, parseContainerName } from './name.ts';
import { withStopGrace } from './stop-grace.ts';
import { withContainer } from './transaction.ts';

export interface StopRequest {
  readonly name: string;
  /** Say what would be done, and do nothing. */
  readonly isDisplay: boolean;
}

/**
 * Stops the service; a container that outlives it is killed and removed.
 *
 * @throws AtomicError when there is no such container, or systemd could not stop it
 */
export async function stopContainer(context: Context, request: StopRequest): Promise<void> {
  const name = parseContainerName(request.name);
  const command = { kind: 'command', argv: systemd.systemctlArgv(context, 'stop', name) } as const;
  const missing = `Unable to find backend associated with container '${name}'`;
  const runtime = installedRuntime(context, name, missing);
  if (request.isDisplay) {
    context.report(command);
    return;
  }
  await withContainer(context, name, async () => {
    context.report(command);
    await stopService(context, name, runtime);
  });
}

/** Stops without asking whether there is such a container. */
async function stopService(context: Context, name: ContainerName, runtime: string): Promise<void> {
  const unit = readIfPresent(containerPaths(context, name).unit) ?? '';
  try {
    await withStopGrace(context, { name, runtime, unit }, () => systemd.stop(context, name));
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    throw new AtomicError(`cannot stop '${name}': ${error.message}`, {
      hint: `see 'systemctl status ${name}'`,
      cause: error,
    });
  }
  await deleteContainer(context, runtime, name);
  await forgetForcedEnd(context, name);
}

/** A process that had to be killed leaves the unit `failed`; it was stopped because the person said so. */
async function forgetForcedEnd(context: Context, name: ContainerName): Promise<void> {
  const { active } = await systemd.unitState(context, name);
  if (active === 'failed') await systemd.resetFailed(context, name);
}
