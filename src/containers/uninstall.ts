/** `atomic uninstall`: removes a container in whatever state it is. */

import type { Context } from '../context.ts';
import { AtomicError, isErrno } from '../errors.ts';
import { note, warn } from '../events.ts';
import { faultPoint } from '../faults.ts';
import { exists, readIfPresent, syncPath } from '../host/files/files.ts';
import { removeTree, requireNoMounts } from '../host/files/remove-tree.ts';
import * as systemd from '../host/systemd.ts';
import { activePath, type Container, containerOf, preinstalledPath } from './deployments/container.ts';
import { parseContainerName } from './deployments/name.ts';
import { recordedRuntime, runtimeFor } from './deployments/runtime.ts';
import { dependantsOf } from './deployments/shared-rootfs.ts';
import { orPointToDocker } from './docker/names.ts';
import { NOTHING_RUNNING } from './service/restart-set.ts';
import { deactivate } from './transaction/activation.ts';
import { clearPending, isPending, markPending } from './transaction/marker.ts';
import { removeSlots, settleSlots } from './transaction/slots.ts';
import { withLock } from './transaction/transaction.ts';

export interface UninstallRequest {
  readonly name: string;
  /** Also when other containers use its root file system. */
  readonly isForced: boolean;
  /** Say what would be done, and do nothing. */
  readonly isDisplay: boolean;
}

/**
 * Removes a container: service, unit, tmpfiles and host files, deployments, and what the runtime still knows of it.
 *
 * @throws AtomicError when there is no such container, or others depend on it
 */
export async function uninstallContainer(context: Context, request: UninstallRequest): Promise<void> {
  const { name } = request;
  await orPointToDocker(context, { name, command: `docker rm ${name}` }, () => uninstall(context, request));
}

async function uninstall(context: Context, request: UninstallRequest): Promise<void> {
  const container = containerOf(context, parseContainerName(request.name));
  const { name, link } = container;
  requireInstalled(context, container);
  requireNoDependants(context, container, request);
  if (request.isDisplay) {
    context.report({ kind: 'command', argv: systemd.systemctlArgv(context, 'disable', '--now', name) });
    note(context, `Would remove ${link} and its deployments`);
    return;
  }
  // nothing is recovered before: whatever an earlier command has left goes, too, even if it could not be finished
  await withLock(context, container, async () => await remove(context, container));
}

/** Whether there is anything of a container, be it what a killed command left. */
function isInstalled(context: Context, container: Container): boolean {
  const { link, slots } = container;
  // in user mode the repository lies among the containers
  const isContainer = [link, ...slots].some(exists) && link !== context.paths.repository;
  return isContainer || isPending(container) || hasLeftoverUnit(container);
}

function requireInstalled(context: Context, container: Container): void {
  const { name } = container;
  if (isInstalled(context, container)) return;
  if (preinstalledPath(container) !== undefined) {
    throw new AtomicError(`cannot uninstall '${name}': a package brought it`, {
      hint: `remove the package atomic-container-${name}`,
    });
  }
  throw new AtomicError(`Unable to find '${name}' in the following backends: ostree`, {
    hint: "see 'atomic containers list -a'",
  });
}

/** A unit without container is only ours to remove when it runs one of that name. */
function hasLeftoverUnit({ unit, slots }: Container): boolean {
  try {
    const text = readIfPresent(unit) ?? '';
    return slots.some((slot) => text.includes(slot));
  } catch (error) {
    if (isErrno(error, 'EISDIR')) return false;
    throw error;
  }
}

function requireNoDependants(context: Context, container: Container, { isForced }: UninstallRequest): void {
  const { name } = container;
  const names = dependantsOf(context, container).map((dependant) => `'${dependant.name}'`);
  if (names.length === 0) return;
  const text = `the root file system of '${name}' is used by ${names.join(', ')}`;
  if (!isForced)
    throw new AtomicError(`cannot uninstall '${name}': ${text}`, {
      hint: 'uninstall these first, or use --force',
    });
  warn(context, `Warning: ${text}: it will not start again`);
}

/** The link goes first: from then on the container is no more, and recovery finishes what is left. */
async function remove(context: Context, container: Container): Promise<void> {
  const runtime = runtimeOf(context, container);
  for (const path of [container.link, ...container.slots]) requireNoMounts(path);
  await markPending(container, { operation: 'uninstall', runtime, running: NOTHING_RUNNING });
  await faultPoint(context, 'remove.marked');
  // broken state: there can be anything in the place of the link
  await removeTree(context, container.link);
  await syncPath(context.paths.checkouts);
  await faultPoint(context, 'remove.unlinked');
  await deactivate(context, container, runtime);
  await removeSlots(context, container);
  await faultPoint(context, 'remove.slots');
  await clearPending(context, container);
  await settleSlots(context, container);
}

/** Whatever is left of the container, its runtime is told to forget it. */
function runtimeOf(context: Context, container: Container): string {
  const path = activePath(container);
  return path === undefined ? runtimeFor(context) : recordedRuntime(context, container, path);
}
