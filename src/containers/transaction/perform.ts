/** Takes the steps of a change, and takes them back. */
import type { Context } from '../../context.ts';
import { lineOf } from '../../errors.ts';
import { faultPoint } from '../../faults.ts';
import { activePath, type Container } from '../deployments/container.ts';
import { NOTHING_RUNNING, type RestartSet, startRunning } from '../service/restart-set.ts';
import { installUnitFiles } from '../units/files.ts';
import type { Progress, Step } from './steps.ts';

/**
 * Takes steps, one after the other.
 *
 * @param begun gets each before it is taken
 * @throws whatever a step throws; the rest has not been begun
 */
export async function perform(context: Context, steps: readonly Step[], begun: Step[]): Promise<void> {
  for (const step of steps) {
    begun.push(step);
    await step.run(context);
    await faultPoint(context, step.point);
  }
}

/**
 * Takes steps back, the last first, and starts what had been stopped on their account.
 *
 * @throws whatever an undo throws; those before it have not been tried, since they rely on it
 */
export async function goBack(context: Context, begun: readonly Step[], { running }: Progress): Promise<void> {
  for (const step of begun.toReversed()) await step.undo?.(context);
  await startRunning(context, running);
}

/**
 * Starts again what ran, when a change could neither be finished nor taken back: what is in the way can be there for
 * long, and until it is gone, the service runs from the deployment that the link leads to.
 */
export async function startActive(
  context: Context,
  container: Container,
  running: RestartSet = NOTHING_RUNNING,
): Promise<void> {
  try {
    const path = activePath(container);
    if (path !== undefined) await installUnitFiles(context, container, { path, enablement: 'keep' });
    await startRunning(context, running);
  } catch (error) {
    context.log.debug({ error: lineOf(error) }, 'cannot start again what ran');
  }
}
