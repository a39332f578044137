/** `atomic stop`: stops the service of a container, and leaves no container behind. */
import type { Context } from '../context.ts';
import { AtomicError } from '../errors.ts';
import * as systemd from '../host/systemd.ts';
import { containerOf } from './deployments/container.ts';
import { parseContainerName } from './deployments/name.ts';
import { installedRuntime } from './deployments/runtime.ts';
import { hasForeignUnit } from './deployments/unit-owner.ts';
import { orPointToDocker } from './docker/names.ts';
import { forgetFailures, stopService } from './service/service.ts';
import { withContainer } from './transaction/transaction.ts';

export interface StopRequest {
  readonly name: string;
  /** Say what would be done, and do nothing. */
  readonly isDryRun: boolean;
}

/**
 * Stops the service; a container that outlives it is killed and removed.
 *
 * @throws AtomicError when there is no such container, or systemd could not stop it
 */
export async function stopContainer(context: Context, request: StopRequest): Promise<void> {
  const { name } = request;
  await orPointToDocker(context, { name, command: `docker stop ${name}` }, () => stop(context, request));
}

async function stop(context: Context, request: StopRequest): Promise<void> {
  const container = containerOf(context, parseContainerName(request.name));
  const { name } = container;
  const missing = `Unable to find backend associated with container '${name}'`;
  const runtime = installedRuntime(context, container, missing);
  if (hasForeignUnit(container))
    throw new AtomicError(`cannot stop '${name}': it has no service`, {
      hint: `${container.unit} is not its own`,
    });
  if (request.isDryRun) {
    context.report({ kind: 'command', argv: systemd.systemctlArgv(context, 'stop', name) });
    return;
  }
  await withContainer(context, container, async () => {
    await stopService(context, container, runtime);
    await forgetFailures(context, [container]);
  });
}
