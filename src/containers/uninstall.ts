/** `atomic uninstall`: removes a container in whatever state it is. */
import type { Context } from '../context.ts';
import { AtomicError, isErrno, ToolMissingError } from '../errors.ts';
import { note, warn } from '../events.ts';
import { faultPoint } from '../faults.ts';
import { exists, readIfPresent } from '../host/files/files.ts';
import * as systemd from '../host/systemd.ts';
import {
  activePath,
  type Container,
  containerOf,
  deploymentAt,
  isDirectory,
  isSlotOfAnother,
  preinstalledPath,
} from './deployments/container.ts';
import { parseContainerName } from './deployments/name.ts';
import { recordedRuntime, runtimeFor } from './deployments/runtime.ts';
import { dependantsOf } from './deployments/shared-rootfs.ts';
import { hasOwnUnit, runsSlot, tmpfilesState, unitState } from './deployments/unit-owner.ts';
import { orPointToDocker } from './docker/names.ts';
import { recordsOf } from './host-files/record.ts';
import { requirePackagesCanGo } from './system-package/check.ts';
import { packageFileIn } from './system-package/package-of.ts';
import { isMarked, mark, readMarker } from './transaction/marker.ts';
import { packageOfPreinstalled, removePreinstalled } from './transaction/preinstalled.ts';
import { requireNoMountedSlots } from './transaction/slots.ts';
import { readableIn } from './transaction/steps.ts';
import { takeAway } from './transaction/take-away.ts';
import { withLock } from './transaction/transaction.ts';

export interface UninstallRequest {
  readonly name: string;
  /** Also when other containers use its root file system. */
  readonly isForced: boolean;
  /** Say what would be done, and do nothing. */
  readonly isDryRun: boolean;
}

/**
 * Removes a container: service, unit, tmpfiles and host files, deployments, and what the runtime still knows of it.
 *
 * @throws AtomicError when there is no such container, others depend on it or on its package, something is mounted in it, or some of it
 *   could not be removed
 */
export async function uninstallContainer(context: Context, request: UninstallRequest): Promise<void> {
  const { name } = request;
  await orPointToDocker(context, { name, command: `docker rm ${name}` }, () => uninstall(context, request));
}

async function uninstall(context: Context, request: UninstallRequest): Promise<void> {
  const container = containerOf(context, parseContainerName(request.name));
  requireAnyTrace(context, container);
  requireNoDependants(context, container, request);
  if (!hasAnyTrace(context, container)) return await uninstallPreinstalled(context, container, request);
  await requireRemovablePackage(context, container);
  if (request.isDryRun) return display(context, container);
  // nothing is recovered before: whatever an earlier command has left goes, too, even if it could not be finished
  await withLock(context, container, async () => await remove(context, container));
}

async function uninstallPreinstalled(
  context: Context,
  container: Container,
  { isDryRun }: UninstallRequest,
): Promise<void> {
  if (!isDryRun)
    return await withLock(context, container, async () => await removePreinstalled(context, container));
  const owner = await packageOfPreinstalled(context, container);
  context.report({
    kind: 'command',
    argv: systemd.systemctlArgv(context, 'disable', '--now', container.name),
  });
  note(context, `Would remove the package ${owner}`);
}

/** Shows what an uninstall would do, in the order in which it is done. */
function display(context: Context, container: Container): void {
  const { name, link, slots, unit, tmpfiles } = container;
  const units = unitState(container);
  const command = (argv: readonly string[]) => context.report({ kind: 'command', argv });
  if (hasOwnUnit(container)) command(systemd.systemctlArgv(context, 'disable', '--now', name));
  note(context, `Would remove ${link} and its deployments`);
  const active = readableIn(context, container, activePath(container));
  const hostFiles = active === undefined ? [] : [...recordsOf(active.info).keys()];
  const own = [
    ...(units.owner === 'own' ? [unit] : []),
    ...(tmpfilesState(container, units).owner === 'own' ? [tmpfiles] : []),
  ];
  const packaged = active && packageFileIn(name, active.path);
  if (packaged !== undefined) note(context, `Would remove the package in ${packaged}`);
  for (const path of [...hostFiles, ...own, ...slots.filter(isDirectory)])
    note(context, `Would remove ${path}`);
  command(systemd.systemctlArgv(context, 'daemon-reload'));
}

/** Whether there is anything of a container, be it what a killed command left. */
function hasAnyTrace(context: Context, container: Container): boolean {
  const { link, slots, saved } = container;
  // in user mode the repository lies among the containers
  const isContainer = exists(link) && !isSlotOfAnother(container) && link !== context.paths.repository;
  const hasDeployments = [...slots, saved(0), saved(1)].some(isDirectory);
  return isContainer || hasDeployments || isMarked(container) || hasLeftoverUnit(container);
}

function requireAnyTrace(context: Context, container: Container): void {
  const { name } = container;
  if (hasAnyTrace(context, container)) return;
  if (preinstalledPath(container) !== undefined) return;
  throw new AtomicError(`Unable to find '${name}' in the following backends: ostree`, {
    hint: isSlotOfAnother(container)
      ? `${container.link} is a deployment of '${name.slice(0, -2)}'`
      : "see 'atomic containers list -a'",
  });
}

/** A unit without container is only ours to remove when it runs one of that name. */
function hasLeftoverUnit(container: Container): boolean {
  try {
    return runsSlot(container, readIfPresent(container.unit));
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

/** Packages that require the container's would go with it. Without rpm, nobody can tell, and nothing else is removed. */
async function requireRemovablePackage(context: Context, container: Container): Promise<void> {
  try {
    await requirePackagesCanGo(context, container);
  } catch (error) {
    if (!(error instanceof ToolMissingError)) throw error;
  }
}

async function remove(context: Context, container: Container): Promise<void> {
  requireNoMountedSlots(container);
  const runtime = runtimeOf(context, container);
  const { from: before = '', to: after = '' } = readMarker(container) ?? {};
  const [from, to] = [
    activePath(container) ?? deploymentAt(container, before),
    deploymentAt(container, after),
  ];
  await mark(container, { operation: 'uninstall', runtime, ...(from && { from }), ...(to && { to }) });
  await faultPoint(context, 'remove.marked');
  const problems = await takeAway(context, container, { runtime, deployed: [from, to], remover: 'manager' });
  if (problems.length === 0) return;
  throw new AtomicError(`could not remove all of '${container.name}': ${problems.join('; ')}`, {
    hint: 'the rest of it is gone',
  });
}

/** Whatever is left of the container, its runtime is told to forget it. */
function runtimeOf(context: Context, container: Container): string {
  const path = activePath(container);
  if (path !== undefined) return recordedRuntime(context, container, path);
  return readMarker(container)?.runtime ?? runtimeFor(context);
}
