/** Records which units run because of a container, and restarts them after a change. */

import * as z from 'zod';
import type { Context } from '../../context.ts';
import { AtomicError, ToolError } from '../../errors.ts';
import { exists } from '../../host/files/files.ts';
import * as systemd from '../../host/systemd.ts';
import { type Container, containerOf } from '../deployments/container.ts';
import { isContainerName } from '../deployments/name.ts';
import { runtimeFor } from '../deployments/runtime.ts';
import { dependantsOf } from '../deployments/shared-rootfs.ts';
import { isServiceRunning, startServicesSafely, stopService } from './service.ts';

/** Also a part of the pending marker, for the recovery. */
export const Running = z.object({
  /** The container itself, if it runs, and those that share its root file system. */
  containers: z.array(z.object({ name: z.string().refine(isContainerName), runtime: z.string() })),
  /** Other units that need one of these: systemd stops them with it, and does not start them again. */
  units: z.array(z.string()),
});

export type Running = z.infer<typeof Running>;
type RunningContainer = Running['containers'][number];

export const NOTHING_RUNNING: Running = { containers: [], units: [] };

/** Finds what runs. */
export async function findRunning(context: Context, container: Container, runtime: string): Promise<Running> {
  const containers: RunningContainer[] = [];
  for (const candidate of [{ name: container.name, runtime }, ...sharing(context, container)])
    if (await isServiceRunning(context, containerOf(context, candidate.name))) containers.push(candidate);
  if (containers.length === 0) return { containers, units: [] };
  const own = new Set(containers.map(({ name }) => containerOf(context, name).service));
  const units = await systemd.activeUnitsNeeding(context, [...own]);
  return { containers, units: units.filter((unit) => !own.has(unit)) };
}

function sharing(context: Context, container: Container): readonly RunningContainer[] {
  return dependantsOf(context, container).flatMap(({ name, info }) =>
    isContainerName(name) ? [{ name, runtime: runtimeFor(context, { recorded: info.runtime }) }] : [],
  );
}

/** Stops the containers, and with them what needs them. */
export async function stopRunning(context: Context, { containers }: Running): Promise<void> {
  for (const { container, runtime } of withUnit(context, containers))
    await stopService(context, container, runtime);
}

/**
 * Starts all of it, and watches the containers for a moment.
 *
 * @throws AtomicError when one does not start, or does not stay up
 */
export async function startRunning(context: Context, { containers, units }: Running): Promise<void> {
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
    .filter(({ container }) => exists(container.unit));
}

async function startUnit(context: Context, unit: string): Promise<void> {
  context.report({ kind: 'command', argv: systemd.systemctlArgv(context, 'start', unit) });
  try {
    await systemd.start(context, unit);
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    throw new AtomicError(`cannot start ${unit} again, which had to stop with the container`, {
      hint: `see 'journalctl -u ${unit}'`,
      cause: error,
    });
  }
}
