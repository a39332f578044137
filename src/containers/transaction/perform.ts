/** Takes the steps of a change, and takes them back. */
import type { Context } from '../../context.ts';
import { faultPoint } from '../../faults.ts';
import { startRunning } from '../service/restart-set.ts';
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
