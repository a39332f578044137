/** Makes the host agree with a deployment, or with none; can be repeated from any intermediate state. */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Context } from '../../context.ts';
import { type AtomicError, orUndefined } from '../../errors.ts';
import { faultPoint } from '../../faults.ts';
import {
  exists,
  readIfPresent,
  removeIfPresent,
  removeTemporary,
  replaceFile,
} from '../../host/files/files.ts';
import { deleteContainer } from '../../host/runtime.ts';
import * as systemd from '../../host/systemd.ts';
import { createTmpfiles, removeTmpfiles, tmpfilesArgv } from '../../host/tmpfiles.ts';
import { waitForAll } from '../../wait-for-all.ts';
import { type Container, tmpfilesCopy, unitCopy } from '../deployments/container.ts';
import { type Deployment, readDeployment } from '../deployments/deployment.ts';
import { dependantsOf } from '../deployments/shared-rootfs.ts';
import { applyHostFiles } from '../placement/apply.ts';
import { installSectionOf } from '../rendering/unit.ts';
import { withStopGrace } from '../service/stop-grace.ts';
import { followBase } from './follow-base.ts';

/**
 * What becomes of the links by which a service is started at boot: `enable` makes them; `keep` leaves them alone
 * unless the unit asks for others than the one before, and the administrator has not removed them; `refresh` is for
 * when nobody knows which unit was there before.
 */
export type Enablement = 'enable' | 'keep' | 'refresh';

/** Installs the files, the unit and the tmpfiles file of the deployment in `path`; starts and stops nothing. */
export async function activate(
  context: Context,
  container: Container,
  path: string,
  enablement: Enablement,
): Promise<void> {
  const { name, unit, tmpfiles } = container;
  const deployments = readableDeployments(context, container);
  const active = deployments.find((deployment) => deployment.path === path);
  if (active !== undefined) await activateFiles(context, container, { active, deployments });
  await faultPoint(context, 'activate.host-files');
  const [unitBefore, unitNow] = [readIfPresent(unit), readIfPresent(unitCopy(path, name))];
  const tmpfilesNow = readIfPresent(tmpfilesCopy(path, name));
  await installFile(unit, unitNow);
  await faultPoint(context, 'activate.unit');
  await installFile(tmpfiles, tmpfilesNow);
  await faultPoint(context, 'activate.tmpfiles');
  const isChanged = installSectionOf(unitBefore ?? '') !== installSectionOf(unitNow ?? '');
  const steps: Steps = {
    links: unitNow === undefined ? 'none' : await linksStep(context, container, { enablement, isChanged }),
    hasTmpfiles: tmpfilesNow !== undefined,
  };
  announce(context, container, steps);
  await waitForAll([
    reload(context, container, steps),
    steps.hasTmpfiles ? createTmpfiles(context, tmpfiles) : Promise.resolve(),
  ]);
  await faultPoint(context, 'activate.done');
}

/** The deployments of a container whose record can be read; the others have nothing to say about the host. */
export function readableDeployments(context: Context, { name, slots }: Container): readonly Deployment[] {
  const warn = ({ message }: AtomicError) => context.report({ kind: 'warning', text: message });
  return slots.flatMap(
    (path) => (exists(path) ? orUndefined(() => readDeployment(name, path), warn) : undefined) ?? [],
  );
}

async function activateFiles(
  context: Context,
  container: Container,
  { active, deployments }: { active: Deployment; deployments: readonly Deployment[] },
): Promise<void> {
  const others = deployments.filter((deployment) => deployment !== active);
  await applyHostFiles(context, container, { active, previous: others });
  if (active.info.remote) await followBase(context, active);
  for (const dependant of dependantsOf(context, container)) await followBase(context, dependant, active);
}

/** Writes a file of the host, or removes it when the deployment has none; an equal one is left alone. */
async function installFile(path: string, text: string | undefined): Promise<void> {
  await removeTemporary(path);
  if (text === undefined) {
    await removeIfPresent(path);
  } else if (readIfPresent(path) !== text) {
    // an ordinary user need not have the folder yet
    await mkdir(dirname(path), { recursive: true });
    await replaceFile(path, text);
  }
}

interface Steps {
  /** What is done to the links by which the service is started at boot. */
  readonly links: 'none' | 'enable' | 'reenable';
  readonly hasTmpfiles: boolean;
}

async function linksStep(
  context: Context,
  { name }: Container,
  { enablement, isChanged }: { enablement: Enablement; isChanged: boolean },
): Promise<Steps['links']> {
  if (enablement === 'enable') return 'enable';
  const isDue = enablement === 'refresh' || isChanged;
  return isDue && (await systemd.isEnabled(context, name)) ? 'reenable' : 'none';
}

/** The lines that scripts know, in the order scripts expect. */
function announce(context: Context, { name, ...container }: Container, { links, hasTmpfiles }: Steps): void {
  const tmpfiles = tmpfilesArgv('--create', container.tmpfiles);
  context.report({ kind: 'command', argv: systemd.systemctlArgv(context, 'daemon-reload') });
  if (hasTmpfiles) context.report({ kind: 'command', argv: tmpfiles });
  if (links !== 'none')
    context.report({ kind: 'command', argv: systemd.systemctlArgv(context, links, name) });
}

/** systemctl enable and reenable reload systemd by themselves: one reload covers unit and links. */
async function reload(context: Context, { name }: Container, { links }: Steps): Promise<void> {
  if (links === 'enable') await systemd.enable(context, name);
  else if (links === 'reenable') await systemd.reenable(context, name);
  else await systemd.daemonReload(context);
}

/**
 * Stops the service and takes its unit, its tmpfiles file and its host files away, as far as they are there.
 *
 * @param runtime the runtime that may still have a container of that name; unknown for damaged deployments
 */
export async function deactivate(
  context: Context,
  container: Container,
  runtime: string | undefined,
): Promise<void> {
  const { name, unit, tmpfiles } = container;
  for (const path of [unit, tmpfiles]) await removeTemporary(path);
  const unitText = readIfPresent(unit);
  if (unitText !== undefined) {
    context.report({ kind: 'command', argv: systemd.systemctlArgv(context, 'disable', '--now', name) });
    await withStopGrace(context, { name, runtime, unit: unitText }, () => disable(context, name));
  }
  if (runtime !== undefined) await deleteContainer(context, runtime, name);
  await faultPoint(context, 'remove.disabled');
  await removeIfPresent(unit);
  const previous = readableDeployments(context, container);
  await applyHostFiles(context, container, { active: undefined, previous });
  await faultPoint(context, 'remove.unit');
  context.report({ kind: 'command', argv: systemd.systemctlArgv(context, 'daemon-reload') });
  await ignoringFailure(context, systemd.daemonReload(context));
  await faultPoint(context, 'remove.reloaded');
  await removeMarked(context, tmpfiles);
  await removeIfPresent(tmpfiles);
}

/** tmpfiles.d(5): lines of these types, whatever modifiers they have, are all that `--remove` acts on. */
const MARKS_FOR_REMOVAL = /^\s*[rRD]/m;

/** Removes what a tmpfiles.d file marks for removal, if there is one; what cannot be removed stays. */
export async function removeMarked(context: Context, file: string): Promise<void> {
  const text = readIfPresent(file);
  if (text === undefined) return;
  context.report({ kind: 'command', argv: tmpfilesArgv('--remove', file) });
  if (MARKS_FOR_REMOVAL.test(text)) await ignoringFailure(context, removeTmpfiles(context, file));
}

async function disable(context: Context, name: string): Promise<void> {
  await ignoringFailure(context, systemd.disableNow(context, name));
  await ignoringFailure(context, systemd.resetFailed(context, name));
}

/** Taking away goes on whatever systemd says of a unit that may be broken. */
async function ignoringFailure(context: Context, step: Promise<unknown>): Promise<void> {
  try {
    await step;
  } catch (error) {
    if (context.signal.aborted) throw error;
    context.log.debug({ error: String(error) }, 'a step of the removal failed');
  }
}
