/** `atomic containers rollback`: switches to the other deployment, and back again when repeated. */
import type { Context } from '../context.ts';
import { AtomicError, orUndefined } from '../errors.ts';
import { note } from '../events.ts';
import { exists, readIfPresent } from '../host/files/files.ts';
import {
  activePath,
  type Container,
  containerOf,
  hintForMissing,
  slotOf,
  tmpfilesCopy,
  unitCopy,
} from './deployments/container.ts';
import { type Deployment, readDeployment } from './deployments/deployment.ts';
import { parseContainerName } from './deployments/name.ts';
import { recordedRuntime } from './deployments/runtime.ts';
import { restoreHostFiles } from './host-files/restore.ts';
import { showChange } from './preparation/show.ts';
import { findRunning, servicesOf } from './service/restart-set.ts';
import { requirePackageCanReturn } from './system-package/check.ts';
import { switchOver } from './transaction/switch-over.ts';
import { withContainer } from './transaction/transaction.ts';

export interface RollbackRequest {
  readonly name: string;
  /** Say what would be done, and do nothing. */
  readonly isDryRun: boolean;
}

/**
 * Switches a container to its other deployment; unit, tmpfiles and host files become those of that deployment.
 *
 * @throws AtomicError when there is no other deployment, it is damaged, or its service does not start; the container
 *   is then as it was before
 */
export async function rollBackContainer(context: Context, request: RollbackRequest): Promise<void> {
  const container = containerOf(context, parseContainerName(request.name));
  const { name } = container;
  note(context, `Attempting to roll back system container: ${name}`);
  requireActive(container);
  if (request.isDryRun) return await display(context, container);
  await withContainer(context, container, async () => {
    const from = requireActive(container);
    const target = otherDeployment(container, from);
    note(context, `Rolling back container ${name} to the checkout at ${target.path}`);
    const current = orUndefined(() => readDeployment(name, from));
    await restoreHostFiles(context, container, { target, current });
    await requirePackageCanReturn(context, container, target.path);
    await switchOver(context, container, {
      operation: 'rollback',
      from,
      to: target.path,
      runtime: recordedRuntime(context, container, from),
      keepsFailed: false,
    });
  });
}

/** Shows what a rollback would do. */
async function display(context: Context, container: Container): Promise<void> {
  const { name } = container;
  const from = requireActive(container);
  const { path } = otherDeployment(container, from);
  note(context, `Rolling back container ${name} to the checkout at ${path}`);
  const running = await findRunning(context, { name, runtime: recordedRuntime(context, container, from) });
  showChange(context, container, {
    isReloaded: true,
    unit: readIfPresent(unitCopy(path, name)),
    tmpfiles: readIfPresent(tmpfilesCopy(path, name)),
    services: servicesOf(running),
    destination: path,
  });
}

function requireActive(container: Container): string {
  const path = activePath(container);
  if (path !== undefined) return path;
  throw new AtomicError(`System container '${container.name}' is not installed`, {
    hint: hintForMissing(container),
  });
}

function otherDeployment({ name, slots }: Container, from: string): Deployment {
  const path = slots[slotOf(from) === 0 ? 1 : 0];
  if (!exists(path))
    throw new AtomicError(`Error: Cannot find a previous deployment to rollback located at ${path}`);
  const target = readDeployment(name, path);
  if (target.info['has-container-service'] && !exists(unitCopy(path, name))) {
    throw new AtomicError(
      `Error: Cannot find systemd service file for previous version. The previous checkout at ${path} may be corrupted.`,
    );
  }
  return target;
}
