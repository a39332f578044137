/** The steps of a change of deployments, each with its undo; docs/ARCHITECTURE.md has them in one table. */
import type { Context } from '../../context.ts';
import { AtomicError, ifPossible, lineOf } from '../../errors.ts';
import { type HeldReports, warn } from '../../events.ts';
import { type FaultPoint, faultPoint } from '../../faults.ts';
import { exists, syncPath } from '../../host/files/files.ts';
import * as systemd from '../../host/systemd.ts';
import { createTmpfiles } from '../../host/tmpfiles.ts';
import {
  type Container,
  isDirectory,
  type Slot,
  slotOf,
  tmpfilesCopy,
  unitCopy,
} from '../deployments/container.ts';
import { type Deployment, readDeployment } from '../deployments/deployment.ts';
import { tmpfilesState, unitState } from '../deployments/unit-owner.ts';
import type { Swap } from '../placement/swap.ts';
import {
  findRunning,
  NOTHING_RUNNING,
  type RestartSet,
  type RunningContainer,
  startRunning,
  stopRunning,
} from '../service/restart-set.ts';
import { forgetFailures, isMasked } from '../service/service.ts';
import { installUnitFiles, removeMarked } from '../units/files.ts';
import type { Enablement } from '../units/links.ts';
import { followOwnBase, pointFollowers } from './follow-base.ts';
import { type Marker, mark } from './marker.ts';
import { placeDeployment, pointTo } from './slots.ts';

/** From one deployment to another. */
export interface Change {
  readonly operation: 'install' | 'update' | 'rollback';
  /** The directory of the deployment that is active; none at an install. */
  readonly from: string | undefined;
  /** The slot that is to be active; for an install or an update, the deployment waits in its staging directory. */
  readonly to: string;
  readonly runtime: string;
  /** What is to run again: at an install, of a broken container of that name; at a recovery, what the marker says. */
  readonly running?: RestartSet | undefined;
}

/** One step. Each can be done again, and undone, from any half-way state of it. */
export interface Step {
  /** Passed when it is done. */
  readonly point: FaultPoint;
  readonly run: (context: Context) => Promise<void>;
  /** Absent where {@link finish} does it, or a step before undoes this one, too. */
  readonly undo?: (context: Context) => Promise<void>;
}

/** What the steps of a change find out for one another. */
export interface Progress {
  /** What was stopped, or is to be started. */
  running: RestartSet;
  /** The containers that share the root file system, as far as they can follow. */
  followers: readonly RunningContainer[];
  /** What is said while a service is down waits until it has been started. */
  reports?: HeldReports;
  /** The host files that wait for their places. */
  swap?: Swap | undefined;
  /** Whether units and drop-ins are among them, or among those that go. */
  changesUnits?: boolean;
  /** What has been told systemd. */
  lines: Awaited<ReturnType<typeof installUnitFiles>>;
}

export const noProgress = (): Progress => ({ running: NOTHING_RUNNING, followers: [], lines: [] });

/** The deployment that was built aside gets its slot. What the slot held comes back when the slots are settled. */
export function placeStep(container: Container, { operation, to }: Change): Step {
  return {
    point: 'switch.placed',
    run: async (context) => {
      if (operation !== 'rollback') await placeDeployment(context, container, slotOf(to) as Slot);
    },
  };
}

/** Those that share the root file system find that of the new deployment, and a deployment without one its base's. */
export function followersStep(container: Container, { from, to }: Change, progress: Progress): Step {
  const follow = async (context: Context, path: string) => {
    const own = ifPossible(() => readDeployment(container.name, path));
    if (own !== undefined) await followOwnBase(context, own);
    progress.followers = await pointFollowers(context, container, path);
  };
  return {
    point: 'switch.followers',
    run: async (context) => await follow(context, to),
    undo: async (context) => {
      if (from !== undefined) await follow(context, from);
    },
  };
}

/** systemd knows the new unit, and what it needs below /run is there, before the old one is stopped. */
export function unitsStep(
  container: Container,
  { from, to, enablement }: Change & { enablement: Enablement },
  progress: Progress,
): Step {
  return {
    point: 'switch.reloaded',
    run: async (context) => {
      progress.lines = await installUnitFiles(context, container, { path: to, enablement });
    },
    undo: async (context) => {
      if (from !== undefined)
        await installUnitFiles(context, container, { path: from, enablement: 'refresh' });
    },
  };
}

/** What runs is asked for now, and written down, since somebody may have started or stopped it during the steps before. */
export function stopStep(
  container: Container,
  { hasUnit, ...change }: Change & { hasUnit: boolean },
  progress: Progress,
): Step {
  const { operation, from, to, runtime } = change;
  return {
    point: 'switch.stopped',
    run: async (context) => {
      if (from === undefined) {
        progress.running = change.running ?? NOTHING_RUNNING;
        return;
      }
      const own = { name: container.name, runtime };
      const running = await findRunning(context, own, progress.followers);
      requireStartable(context, container, running);
      progress.running = running;
      if (progress.running.containers.length === 0) return;
      await mark(container, { operation, from, to, runtime, running: progress.running });
      await faultPoint(context, 'switch.noted');
      await stopRunning(context, progress.running);
      progress.reports?.hold();
      // nothing starts it again, which would do so
      if (!hasUnit) await forgetFailures(context, [container]);
    },
  };
}

/** What runs must not be stopped when it could not be started again. */
function requireStartable(context: Context, container: Container, { containers }: RestartSet): void {
  const { name } = container;
  if (!isMasked(container) || !containers.some((one) => one.name === name)) return;
  throw new AtomicError(`'${name}' runs, but cannot be started again: its unit is masked`, {
    hint: `use '${systemd.systemctlArgv(context, 'unmask', name).join(' ')}'`,
  });
}

/** What the tmpfiles.d file of the old deployment marks for removal goes; that of the new one is carried out after it. */
export function tmpfilesStep(container: Container, { from, to }: Change): Step {
  const listed = from === undefined ? undefined : tmpfilesCopy(from, container.name);
  return {
    point: 'switch.tmpfiles',
    run: async (context) => {
      if (listed === undefined || !exists(listed)) return;
      if (tmpfilesState(container, unitState(container)).owner === 'changed') return;
      const hasMarks = await removeMarked(context, { file: listed, shownAs: container.tmpfiles });
      const next = tmpfilesCopy(to, container.name);
      if (hasMarks && exists(next)) await createTmpfiles(context, next);
    },
  };
}

/** The commit point. */
export function linkStep(container: Container, { from, to }: Change): Step {
  return {
    point: 'switch.linked',
    run: async () => await pointTo(container, to),
    undo: async () => {
      await pointTo(container, from);
      // what is undone after this would be done again by a recovery that finds the link as it was
      await syncPath(container.directory);
    },
  };
}

/** What ran runs again, and is watched for a moment. */
export function startStep(progress: Progress): Step {
  return {
    point: 'switch.started',
    run: async (context) => {
      const started = startRunning(context, progress.running);
      progress.reports?.release();
      await started;
    },
    undo: async (context) => await stopRunning(context, progress.running),
  };
}

/** What is not on disk yet of the steps before: the link, and the names of the slots. */
export function syncStep({ directory }: Container, others: readonly string[] = []): Step {
  return {
    point: 'switch.synced',
    run: async () => {
      for (const path of [directory, ...others]) await syncPath(path);
    },
  };
}

/** Whether a deployment has a service: if not, its unit can only be removed once the one before has been stopped. */
export const hasUnit = ({ name }: Container, path: string) => exists(unitCopy(path, name));

/**
 * The deployment in a directory; a damaged record, which is worth a warning, says nothing about the host. It is read
 * again once: without it, nobody knows which host files are the container's.
 */
export function readableIn(
  context: Context,
  { name }: Container,
  path: string | undefined,
): Deployment | undefined {
  if (path === undefined || !isDirectory(path)) return undefined;
  const read = () => readDeployment(name, path);
  return ifPossible(read) ?? ifPossible(read, (error) => warn(context, lineOf(error)));
}

/** The marker of a change, before anything has been stopped. */
export function markerOf({ operation, from, to, runtime, running }: Change): Marker {
  return { operation, to, runtime, ...(from && { from }), ...(running && { running }) };
}
