/** Finishes or undoes what a killed command left of a container. */
import { realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Context, shieldedFrom } from '../../context.ts';
import { AtomicError, lineOf } from '../../errors.ts';
import { warn } from '../../events.ts';
import { faultPoint } from '../../faults.ts';
import { exists, removeTemporary, syncPath } from '../../host/files/files.ts';
import { type ContainerState, containerState } from '../../host/runtime/runtime.ts';
import * as systemd from '../../host/systemd.ts';
import { activePath, type Container, containerOf, deploymentAt } from '../deployments/container.ts';
import { runtimeFor } from '../deployments/runtime.ts';
import { readJournal } from '../host-files/journal.ts';
import { undoHostFiles } from '../placement/settle.ts';
import { stageOnHost } from '../placement/stage-on-host.ts';
import { swapHostFiles } from '../placement/swap.ts';
import {
  findRunning,
  NOTHING_RUNNING,
  type RunningContainer,
  stopRunning,
  unionOf,
} from '../service/restart-set.ts';
import { reloadForHostFiles } from '../units/reload.ts';
import { lockDependants } from './locks.ts';
import { type Marker, readMarker } from './marker.ts';
import { packageAgainStep } from './package-step.ts';
import { goBack, perform, startActive } from './perform.ts';
import { settleSlots } from './slots.ts';
import {
  type Change,
  followersStep,
  linkStep,
  noProgress,
  type Progress,
  readableIn,
  type Step,
  startStep,
  syncStep,
  unitsStep,
} from './steps.ts';
import { settle } from './switch-over.ts';
import { takeAway } from './take-away.ts';

/**
 * Whether the machine is still starting, or does not run at all, as in a chroot: then nothing can be stopped or started;
 * what is enabled starts afterwards.
 */
interface Moment {
  readonly isBooting?: boolean;
}

/**
 * One rule: the state of the host, and what runs, is a function of the link. With a marker, the host is made to agree
 * with what the link points to, by the steps of a change; when it points nowhere, everything of that name is removed.
 * One line says so. The container has to be locked.
 */
export async function recover(context: Context, container: Container, moment: Moment = {}): Promise<void> {
  const marker = readMarker(container);
  await removeTemporary(container.marker);
  if (marker === undefined) {
    await settleSlots(context, container);
    // what could not be removed at once; before the next deployment is planned, which would count on it
    if (exists(container.hostFiles)) await undoHostFiles(context, container);
    return;
  }
  requireOwn(container, marker);
  await using _locks = await lockDependants(context, container);
  const quiet: Context = { ...context, report: () => undefined };
  const active = activePath(container);
  const outcome =
    active === undefined
      ? await removeRest(quiet, container, marker)
      : await carryThrough(quiet, container, { ...moment, active, marker });
  warn(context, `An earlier atomic command on '${container.name}' was cut short: ${outcome}`);
}

/** What is on record in a copy of another directory of containers is about that, and about a host that has changed since. */
function requireOwn(container: Container, { from, to }: Partial<Marker>): void {
  const path = to ?? from;
  if (path === undefined || deploymentAt(container, path) !== undefined) return;
  throw new AtomicError(`cannot finish what ${container.marker} says, which is about ${path}`, {
    hint: `use ATOMIC_OSTREE_CHECKOUT_PATH=${dirname(path)}; for a copy of that directory, remove the file`,
  });
}

async function removeRest(context: Context, container: Container, marker: Partial<Marker>): Promise<string> {
  const { runtime = runtimeFor(context), from, to } = marker;
  const problems = await takeAway(context, container, { runtime, deployed: [from, to], remover: 'rpm' });
  for (const path of unitPlaces(container)) await syncPath(path);
  await startActive(context, container, marker.running);
  return ['removed what it had left', ...problems].join('; ');
}

async function carryThrough(
  context: Context,
  container: Container,
  { active, marker, isBooting = !context.hasManager }: Moment & { active: string; marker: Partial<Marker> },
): Promise<string> {
  const { runtime = runtimeFor(context), from, operation = 'update' } = marker;
  const canGoBack = from !== undefined && from !== active && exists(from);
  const change: Change = {
    operation: operation === 'uninstall' ? 'update' : operation,
    from: canGoBack ? from : undefined,
    to: active,
    runtime,
  };
  const progress = noProgress();
  const begun: Step[] = [];
  const steps = stepsOf(container, { ...change, running: marker.running, isBooting }, progress);
  let flaw = '';
  try {
    await perform(context, steps, begun);
  } catch (error) {
    if (context.signal.aborted || begun.at(-1)?.point !== 'switch.started') {
      await startActive(shieldedFrom(context), container, progress.running);
      throw error;
    }
    // a service that does not start must not keep the next command from mending it
    flaw = `, but ${lineOf(error)}`;
    if (canGoBack) {
      await stageFilesOf(context, container, { from, to: active });
      await goBack(context, begun, progress).catch(async (reason: unknown) => {
        await startActive(shieldedFrom(context), container, progress.running);
        throw reason;
      });
      flaw = `${flaw}; went back to the deployment ${from}`;
    }
    await syncPath(container.directory);
  }
  await settle(context, container);
  return `finished the deployment ${active}${flaw}`;
}

/** The directories of the files of units: the killed command may have changed them, and then they are as they should be. */
const unitPlaces = ({ unit, tmpfiles }: Container) => [dirname(unit), dirname(tmpfiles)].filter(exists);

interface Recovery extends Change {
  readonly isBooting: boolean;
}

/** The steps of a change, without those that have to be taken only once. */
function stepsOf(
  container: Container,
  { isBooting, ...change }: Recovery,
  progress: Progress,
): readonly Step[] {
  const enablement = change.operation === 'install' ? 'enable' : 'refresh';
  return [
    followersStep(container, change, progress),
    unitsStep(container, { ...change, enablement }, progress),
    ...(isBooting ? [] : [stopStrangersStep(container, change, progress)]),
    hostFilesAgainStep(container, change),
    packageAgainStep(container, change),
    linkStep(container, change),
    isBooting ? startLaterStep(container) : startStep(progress),
    syncStep(container, unitPlaces(container)),
  ];
}

/** What ran, or was started since, is to run; as far as it runs from another deployment, it is stopped. */
function stopStrangersStep(
  container: Container,
  { runtime, running = NOTHING_RUNNING }: Change,
  progress: Progress,
): Step {
  return {
    point: 'switch.stopped',
    run: async (context) => {
      const now = await findRunning(context, { name: container.name, runtime }, progress.followers);
      progress.running = unionOf(running, now);
      const strangers: RunningContainer[] = [];
      for (const one of now.containers) if (!(await runsActiveDeployment(context, one))) strangers.push(one);
      await stopRunning(context, { containers: strangers, units: [] });
    },
  };
}

async function runsActiveDeployment(context: Context, { name, runtime }: RunningContainer): Promise<boolean> {
  const active = activePath(containerOf(context, name));
  const state = await containerState(context, runtime, name);
  return active !== undefined && state !== undefined && isOf(state, active);
}

/** A runtime that does not say what the root file system is has none but that of the bundle. */
function isOf({ bundle, rootfs }: ContainerState, active: string): boolean {
  try {
    const own = realpathSync(join(active, 'rootfs'));
    return realpathSync(bundle) === realpathSync(active) && (rootfs === undefined || rootfs === own);
  } catch {
    return false;
  }
}

/**
 * The journal says what there is to do: without one, the host files are those of the active deployment. Comparing them
 * anew would take files of others that are equal to a record for ours.
 */
function hostFilesAgainStep(container: Container, { from, to }: Change): Step {
  return {
    point: 'switch.host-files',
    run: async (context) => {
      const journal = readJournal(container);
      if (journal?.deployment !== to) await undoHostFiles(context, container);
      else if (journal.phase === 'staged') await swapHostFiles(context, container);
      await reloadForHostFiles(context, container.name, [from, to]);
    },
    undo: async (context) => {
      await faultPoint(context, 'recover.linked');
      if (readJournal(container)?.deployment === from) await swapHostFiles(context, container);
      else await undoHostFiles(context, container);
      await reloadForHostFiles(context, container.name, [from, to]);
      await faultPoint(context, 'recover.host-files');
    },
  };
}

/**
 * When the change has been settled, nothing lies aside of the files of the deployment that is gone back to: they are
 * put there again. That is on record before the link is changed, so that a recovery of this recovery knows whose files
 * are on the host.
 */
async function stageFilesOf(
  context: Context,
  container: Container,
  { from, to }: { from: string; to: string },
): Promise<void> {
  const journal = readJournal(container);
  if (journal?.deployment === to && journal.phase !== 'settling') return;
  const [before, now] = [from, to].map((path) => readableIn(context, container, path));
  if (before === undefined) return;
  const installed = now === undefined ? [before] : [before, now];
  await stageOnHost(context, container, { to: before, destination: from, installed });
  await faultPoint(context, 'recover.staged');
}

/** A unit that was not there, or not enabled, when systemd planned the boot is no part of it. */
function startLaterStep({ service }: Container): Step {
  return {
    point: 'switch.started',
    run: async (context) => {
      if (await systemd.isEnabled(context, service)) await systemd.startLater(context, service);
    },
  };
}
