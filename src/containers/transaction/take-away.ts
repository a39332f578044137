/** Removes a container, in whatever state it is: what is in the way of one step does not stop the others. */
import type { Context } from '../../context.ts';
import { Interrupted, lineOf } from '../../errors.ts';
import { faultPoint } from '../../faults.ts';
import { exists, removeTemporary, syncPath } from '../../host/files/files.ts';
import { removeTree } from '../../host/files/remove-tree.ts';
import type { Remover } from '../../host/packages/manager.ts';
import { runtimeRecord } from '../../host/runtime/record.ts';
import { deleteContainer } from '../../host/runtime/runtime.ts';
import * as systemd from '../../host/systemd.ts';
import { type Container, isDirectory, isSlotOfAnother } from '../deployments/container.ts';
import type { Deployment } from '../deployments/deployment.ts';
import { hiddenUnit, tmpfilesState, unitState } from '../deployments/unit-owner.ts';
import { removeHostFiles } from '../placement/remove.ts';
import { isOwnServiceLoaded } from '../service/host-service.ts';
import { withStopGrace } from '../service/stop-grace.ts';
import { removePackages } from '../system-package/installed.ts';
import { removeTmpfilesFile, removeUnitFile } from '../units/files.ts';
import { removeLinks, removeLinksTo } from '../units/links.ts';
import { unmark } from './marker.ts';
import { removeSlots, settleSlots } from './slots.ts';
import { readableIn } from './steps.ts';

export interface Removal {
  /** The runtime that may still have a container of that name. */
  readonly runtime: string;
  /** The deployments whose files may be on the host, as far as they are known. */
  readonly deployed: readonly (string | undefined)[];
  /** What removes its package: only who is asked to uninstall takes time, and perhaps the network, for that. */
  readonly remover: Remover;
}

/**
 * Takes a marked container away: its link, its service, its host files, its package, its unit, its tmpfiles.d file, its deployments,
 * and then the marker. What is removed is gone for good when this returns. All of it can be done again from any half-way
 * state.
 *
 * @returns what could not be removed, one line each
 */
export async function takeAway(
  context: Context,
  container: Container,
  { runtime, deployed, remover }: Removal,
): Promise<readonly string[]> {
  const problems: string[] = [];
  const attempt = async (step: () => Promise<unknown>) => {
    const problem = await problemOf(context, step);
    if (problem !== undefined) problems.push(problem);
  };
  const unit = unitState(container);
  const tmpfiles = tmpfilesState(container, unit);
  await attempt(() => unlink(context, container));
  await faultPoint(context, 'remove.unlinked');
  if (['own', 'changed'].includes(unit.owner)) await attempt(() => disable(context, container, runtime));
  // a chroot may have the /run of another host, with the containers of that
  if (context.hasManager) await attempt(() => deleteContainer(context, runtime, container.name));
  await faultPoint(context, 'remove.stopped');
  await attempt(() => removeHostFiles(context, container, deploymentsIn(context, container, deployed)));
  await faultPoint(context, 'remove.host-files');
  const changed = changedPaths(container, deployed);
  const isLost = changed === container.slots && !changed.every(isDirectory);
  await attempt(() => removePackages(context, container, { changed, isLost, remover }));
  await faultPoint(context, 'remove.package');
  await attempt(() => removeUnitFile(context, container, unit));
  await faultPoint(context, 'remove.unit');
  await reload(context);
  await faultPoint(context, 'remove.reloaded');
  await attempt(() => removeTmpfilesFile(context, container, tmpfiles));
  await faultPoint(context, 'remove.tmpfiles');
  problems.push(...(await removeSlots(context, container)));
  await attempt(() => syncPath(container.directory));
  await faultPoint(context, 'remove.slots');
  await attempt(() => unmark(container));
  await faultPoint(context, 'remove.unmarked');
  await attempt(() => settleSlots(context, container));
  return problems;
}

/**
 * Takes a step, twice if need be: a file system that has failed need not fail again, and what one step leaves nobody
 * could tell to be the container's when the others are done.
 *
 * @returns what is in its way
 */
async function problemOf(context: Context, step: () => Promise<unknown>): Promise<string | undefined> {
  for (let isLast = false; ; isLast = true) {
    try {
      await step();
      return undefined;
    } catch (error) {
      if (error instanceof Interrupted || context.signal.aborted) throw error;
      if (isLast) return lineOf(error);
    }
  }
}

/** A damaged marker does not say whose files are on the host: then it can be those of either slot. */
function deploymentsIn(
  context: Context,
  container: Container,
  deployed: Removal['deployed'],
): readonly Deployment[] {
  const paths = changedPaths(container, deployed);
  return paths.flatMap((path) => readableIn(context, container, path) ?? []);
}

/** All slots when nobody knows. */
function changedPaths({ slots }: Container, deployed: Removal['deployed']): readonly string[] {
  const known = deployed.filter((path) => path !== undefined);
  return known.length === 0 ? slots : [...new Set(known)];
}

/** There can be anything in the place of the link; but the directory of another's deployment is not ours. */
async function unlink(context: Context, container: Container): Promise<void> {
  await removeTemporary(container.link);
  if (!exists(container.link) || isSlotOfAnother(container)) return;
  await removeTree(context, container.link);
  await syncPath(container.directory);
}

/**
 * Stops the service, and removes the links that start it at boot; not those by which a service of the host that has the
 * same name is enabled.
 */
export async function disable(context: Context, container: Container, runtime: string): Promise<void> {
  const { name, service, unit } = container;
  const isShared = hiddenUnit(context, container) !== undefined;
  if (await isOwnServiceLoaded(context, container)) {
    const options = context.hasManager ? ['--now'] : [];
    const argv = systemd.systemctlArgv(context, 'disable', ...options, name);
    context.report({ kind: 'command', argv });
    const record = runtimeRecord(context, runtime, name);
    await withStopGrace(context, { container, runtime, record }, async () => {
      const stop = isShared ? systemd.stopIfLoaded : systemd.disableNow;
      await ignoringFailure(context, stop(context, service));
      await ignoringFailure(context, systemd.resetFailed(context, [service]));
    });
  }
  // systemctl leaves those of a masked unit
  if (isShared) await removeLinksTo(context, unit);
  else await removeLinks(context, service);
}

async function reload(context: Context): Promise<void> {
  if (!context.hasManager) return;
  context.report({ kind: 'command', argv: systemd.systemctlArgv(context, 'daemon-reload') });
  await ignoringFailure(context, systemd.daemonReload(context));
}

/** Removal goes on whatever systemd says of a unit that may be broken. */
export async function ignoringFailure(context: Context, step: Promise<unknown>): Promise<void> {
  try {
    await step;
  } catch (error) {
    if (error instanceof Interrupted || context.signal.aborted) throw error;
    context.log.debug({ error: lineOf(error) }, 'a step of the removal failed');
  }
}
