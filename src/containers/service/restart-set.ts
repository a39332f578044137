/** Records which units run because of a container, and restarts them after a change. */
import * as z from 'zod/mini';
import type { Context } from '../../context.ts';
import { AtomicError, ToolError } from '../../errors.ts';
import * as systemd from '../../host/systemd.ts';
import { type Container, containerOf } from '../deployments/container.ts';
import { type ContainerName, isContainerName } from '../deployments/name.ts';
import { runtimeFor } from '../deployments/runtime.ts';
import { dependantsOf } from '../deployments/shared-rootfs.ts';
import { hasOwnUnit } from '../deployments/unit-owner.ts';
import { forgetFailures, requireOwnService, startServicesSafely, stopService } from './service.ts';

const Name = z.custom<ContainerName>((name) => typeof name === 'string' && isContainerName(name));

/** Also a part of the pending marker, for the recovery. */
export const RestartSet = z.object({
  /** The container itself, if it runs, and those that share its root file system. */
  containers: z.array(z.object({ name: Name, runtime: z.string() })),
  /** Other units that need one of these: systemd stops them with it, and does not start them again. */
  units: z.array(z.string()),
});

export type RestartSet = z.infer<typeof RestartSet>;
export type RunningContainer = RestartSet['containers'][number];

export const NOTHING_RUNNING: RestartSet = { containers: [], units: [] };

/**
 * Finds what runs, with one call when nothing does. A unit of the name that is not the container's is nobody's business.
 *
 * @param followers the containers that share the root file system; all of them unless given
 */
export async function findRunning(
  context: Context,
  { name, runtime }: RunningContainer,
  followers: readonly RunningContainer[] = followersOf(context, containerOf(context, name)),
): Promise<RestartSet> {
  const candidates = withUnit(context, [{ name, runtime }, ...followers]);
  const services = candidates.map(({ container }) => container.service);
  if (services.length === 0) return NOTHING_RUNNING;
  const { active, needing } = await systemd.activityOf(context, services);
  const running = candidates.filter(({ container }) => active.includes(container.service));
  return {
    containers: running.map((candidate) => ({
      name: candidate.container.name,
      runtime: candidate.runtime,
    })),
    units: [...needing],
  };
}

/** The containers that share the root file system of one, with their runtimes. */
export function followersOf(context: Context, container: Container): readonly RunningContainer[] {
  return dependantsOf(context, container).flatMap(({ name, info }) =>
    isContainerName(name) ? [{ name, runtime: runtimeFor(context, { recorded: info.runtime }) }] : [],
  );
}

/** The names of what is stopped, and of what is started again. */
export function servicesOf({ containers, units }: RestartSet): {
  readonly stopped: readonly string[];
  readonly started: readonly string[];
} {
  const names = containers.map(({ name }) => name);
  return { stopped: names, started: [...names, ...units] };
}

/** What is in one of two sets. */
export function unionOf(a: RestartSet, b: RestartSet): RestartSet {
  const names = new Set(a.containers.map(({ name }) => name));
  return {
    containers: [...a.containers, ...b.containers.filter(({ name }) => !names.has(name))],
    units: [...new Set([...a.units, ...b.units])],
  };
}

/** Stops the containers, and with them what needs them. Nothing that could wait is done after the first has stopped. */
export async function stopRunning(context: Context, { containers }: RestartSet): Promise<void> {
  const stopped = withUnit(context, containers);
  for (const { container } of stopped) await requireOwnService(context, container);
  await forgetFailures(
    context,
    stopped.map(({ container }) => container),
  );
  for (const { container, runtime } of stopped) await stopService(context, container, runtime);
}

/**
 * Starts all of it, and watches the containers for a moment.
 *
 * @throws AtomicError when one does not start, or does not stay up
 */
export async function startRunning(context: Context, { containers, units }: RestartSet): Promise<void> {
  await startServicesSafely(
    context,
    withUnit(context, containers).map(({ container }) => container),
  );
  for (const unit of units) await startUnit(context, unit);
}

/** A deployment without service, between those with one, has no unit to stop or start. */
function withUnit(context: Context, containers: readonly RunningContainer[]) {
  return containers
    .map(({ name, runtime }) => ({ container: containerOf(context, name), runtime }))
    .filter(({ container }) => hasOwnUnit(container));
}

async function startUnit(context: Context, unit: string): Promise<void> {
  context.report({ kind: 'command', argv: systemd.systemctlArgv(context, 'start', unit) });
  try {
    await systemd.start(context, unit);
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    throw new AtomicError(`cannot restart ${unit}, which was stopped with the container`, {
      hint: `see 'journalctl -u ${unit}'`,
      cause: error,
    });
  }
}
