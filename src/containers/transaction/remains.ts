/** What a container has left that lost its link, or the deployment that its link led to; an install replaces it. */
import { join } from 'node:path';
import type { Context } from '../../context.ts';
import { AtomicError, ifPossible } from '../../errors.ts';
import { note } from '../../events.ts';
import { exists } from '../../host/files/files.ts';
import { type Container, isDirectory } from '../deployments/container.ts';
import { readDeployment } from '../deployments/deployment.ts';
import { runtimeFor } from '../deployments/runtime.ts';
import { runsSlot, tmpfilesState, unitState } from '../deployments/unit-owner.ts';
import { findRunning, type RestartSet } from '../service/restart-set.ts';
import { alreadyExists } from '../units/files.ts';
import { mark } from './marker.ts';
import { requireNoMountedSlots } from './slots.ts';
import { takeAway } from './take-away.ts';

/** Whether there is anything with the name of the container, or of one of its slots. */
export function hasRemains({ link, slots }: Container): boolean {
  return exists(link) || slots.some(exists);
}

/**
 * Makes sure that all that is left of a container is its own, and can be replaced.
 *
 * @throws AtomicError that names what is not
 */
export function requireOwnRemains(container: Container): void {
  const { name, slots, unit, tmpfiles } = container;
  // a deployment gets its place with its record, and is removed under a marker: what has none was never one of ours
  const stranger = slots.find((slot) => exists(slot) && !(isDirectory(slot) && exists(join(slot, 'info'))));
  if (stranger !== undefined)
    throw new AtomicError(`cannot install '${name}': ${stranger} is not a deployment of it`, {
      hint: isDirectory(stranger)
        ? `move it away, or remove it with 'atomic uninstall ${name}'`
        : 'move it away',
    });
  const own = unitState(container);
  const isReplaceable = ['own', 'absent'].includes(own.owner) || runsSlot(container, own.text);
  if (!isReplaceable) throw alreadyExists(unit);
  if (!['own', 'absent'].includes(tmpfilesState(container, own).owner)) throw alreadyExists(tmpfiles);
  requireNoMountedSlots(container);
}

/**
 * Stops what still runs of a container, which is locked, and removes what is left of it.
 *
 * @returns what ran
 * @throws AtomicError when not all of it could be removed
 */
export async function takeRemainsAway(context: Context, container: Container): Promise<RestartSet> {
  const { name } = container;
  note(context, `'${name}' has lost its deployment: what is left of it is removed first`);
  const runtime = runtimeOf(context, container);
  const running = await findRunning(context, { name, runtime }, []);
  await mark(container, { operation: 'uninstall', runtime, running });
  const [problem] = await takeAway(context, container, { runtime, deployed: [], remover: 'rpm' });
  if (problem !== undefined) throw new AtomicError(problem);
  return running;
}

/** The one that a deployment which is left records. */
function runtimeOf(context: Context, { name, slots }: Container): string {
  const records = slots.filter(isDirectory).map((slot) => ifPossible(() => readDeployment(name, slot)));
  return runtimeFor(context, { recorded: records.find((record) => record !== undefined)?.info.runtime });
}
