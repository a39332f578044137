/** From one deployment of a container to another, and back when anything fails or the new one does not start. */
import { type Context, shieldedFrom } from '../../context.ts';
import { AtomicError, lineOf } from '../../errors.ts';
import { holdable, warn } from '../../events.ts';
import { faultPoint } from '../../faults.ts';
import { openManager } from '../../host/dbus/jobs.ts';
import type { Container, Slot } from '../deployments/container.ts';
import { slotOf } from '../deployments/container.ts';
import { settleHostFiles } from '../placement/settle.ts';
import { StartFailure } from '../service/service.ts';
import { forgetConfiguration } from '../system-package/configuration.ts';
import { packageFileIn } from '../system-package/package-of.ts';
import { requireFreeUnitPlaces } from '../units/files.ts';
import { copyStep, hostFilesStep } from './host-file-steps.ts';
import { lockDependants } from './locks.ts';
import { isMarked, mark, unmark } from './marker.ts';
import { packageStep } from './package-step.ts';
import { goBack, perform, startActive } from './perform.ts';
import { settleSlots } from './slots.ts';
import {
  type Change,
  followersStep,
  hasUnit,
  linkStep,
  markerOf,
  noProgress,
  type Progress,
  placeStep,
  type Step,
  startStep,
  stopStep,
  syncStep,
  tmpfilesStep,
  unitsStep,
} from './steps.ts';
import { takeAway } from './take-away.ts';

export interface SwitchRequest extends Change {
  /** Leave a deployment that does not start where it is, for a look. */
  readonly keepsFailed: boolean;
}

/**
 * Switches a container, which is locked, to another deployment, or, at an install, to its first. If it runs, it is
 * stopped and started, and so are the containers that share its root file system. When anything fails, all is as it was
 * before.
 *
 * @throws whatever failed, after everything has been put back
 */
export async function switchOver(
  context: Context,
  container: Container,
  request: SwitchRequest,
): Promise<void> {
  const { name } = container;
  const { operation, from, to } = request;
  const prepared = operation === 'rollback' ? to : container.staging(slotOf(to) as Slot);
  try {
    await using _locks = await lockDependants(context, container);
    requireFreeUnitPlaces(container, prepared);
    await begin(container, request);
    const hasPackage = [from, prepared].some((path) => path !== undefined && packageFileIn(name, path));
    await carryOut(context, container, { ...request, hasPackage, hasUnit: hasUnit(container, prepared) });
  } catch (error) {
    // nothing has been touched: what was built aside goes
    if (!isMarked(container)) await tidyUp(context, container);
    throw error;
  }
}

/** Its failure is no news besides that of the change. */
async function tidyUp(context: Context, container: Container): Promise<void> {
  try {
    await settleSlots(shieldedFrom(context), container);
  } catch (error) {
    warn(context, `${lineOf(error)}; the next atomic command on '${container.name}' tries again`);
  }
}

/** What decides about steps, looked up before anything is stopped. */
interface Features {
  /** Whether the new deployment has a service. */
  readonly hasUnit: boolean;
  /** Whether either deployment has a package. */
  readonly hasPackage: boolean;
}

/** A marker that may not be on disk is none. */
async function begin(container: Container, change: Change): Promise<void> {
  try {
    await mark(container, markerOf(change));
  } catch (error) {
    await unmark(container);
    throw error;
  }
}

/** Takes the steps; the marker is there. */
async function carryOut(
  context: Context,
  container: Container,
  request: SwitchRequest & Features,
): Promise<void> {
  const reports = holdable(context.report);
  const progress = { ...noProgress(), reports };
  const steps = stepsOf(container, request, progress);
  const begun: Step[] = [];
  using manager = openManager(context);
  try {
    await faultPoint(context, 'switch.marked');
    await perform({ ...context, manager, report: reports.report }, steps, begun);
  } catch (error) {
    reports.release();
    if (request.keepsFailed && error instanceof StartFailure) await settle(context, container);
    else await putBack(context, container, { ...request, begun, progress, error });
    throw error;
  }
  await settleAtLast(context, container, request);
}

/** There is no way back any more: the new deployment is active, and the next command can do what is left. */
async function settleAtLast(context: Context, container: Container, { to }: Change): Promise<void> {
  try {
    await settle(context, container);
  } catch (error) {
    if (context.signal.aborted) throw error;
    const { name } = container;
    throw new AtomicError(
      `'${name}' has the deployment ${to} now, but cannot be tidied up: ${lineOf(error)}`,
      {
        hint: `the next atomic command on '${name}' tries again`,
        cause: error,
      },
    );
  }
}

/** All steps, in their order. A unit that goes is needed until its service has been stopped. */
function stepsOf(container: Container, change: Change & Features, progress: Progress): readonly Step[] {
  const enablement = change.from === undefined ? 'enable' : 'keep';
  const units = unitsStep(container, { ...change, enablement }, progress);
  const stop = stopStep(container, change, progress);
  return [
    placeStep(container, change),
    copyStep(container, change, progress),
    followersStep(container, change, progress),
    ...(change.hasUnit ? [units, stop] : [stop, units]),
    tmpfilesStep(container, change),
    hostFilesStep(container, progress),
    packageStep(container, change),
    linkStep(container, change),
    startStep(progress),
    syncStep(container),
  ];
}

/** The change is over: host files are settled, the marker goes, then what a slot held before, or what it was given. */
export async function settle(context: Context, container: Container): Promise<void> {
  await settleHostFiles(context, container);
  await forgetConfiguration(container);
  await faultPoint(context, 'switch.settled');
  await unmark(container);
  await faultPoint(context, 'switch.unmarked');
  await settleSlots(context, container);
}

interface Failure extends Change {
  /** The steps that were begun. */
  readonly begun: readonly Step[];
  readonly progress: Progress;
  readonly error: unknown;
}

/** Goes back; if even that fails, the marker stays, and the next command tries again. */
async function putBack(
  context: Context,
  container: Container,
  { from, to, runtime, begun, progress, error }: Failure,
): Promise<void> {
  const { name } = container;
  const shielded = shieldedFrom(context);
  if (!context.signal.aborted && progress.running.containers.length > 0) {
    const failed = error instanceof StartFailure ? error.container : name;
    warn(context, `Could not restart ${failed}.  Attempt automatic rollback`);
  }
  try {
    if (from === undefined) {
      for (const problem of await takeAway(shielded, container, { runtime, deployed: [to], remover: 'rpm' }))
        warn(context, problem);
    } else {
      await goBack(shielded, begun, progress);
      await settle(shielded, container);
    }
  } catch (reason) {
    if (from !== undefined) await startActive(shielded, container, progress.running);
    const before = from === undefined ? 'remove what it had made' : `go back to the deployment ${from}`;
    warn(context, `Could not ${before}: ${lineOf(reason)}; the next atomic command on '${name}' tries again`);
  }
}
