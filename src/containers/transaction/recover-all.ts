/** `atomic containers recover`: finishes what a power cut left, before services start. */
import type { Context } from '../../context.ts';
import { interruptIn, lineOf } from '../../errors.ts';
import { warn } from '../../events.ts';
import * as systemd from '../../host/systemd.ts';
import { containerOf } from '../deployments/container.ts';
import type { ContainerName } from '../deployments/name.ts';
import { markedNames } from './marker.ts';
import { recover } from './recovery.ts';
import { withLock } from './transaction.ts';

/**
 * Recovers every container that a command has left half-way. One that cannot be recovered is named in a warning, and
 * keeps its marker for the next command; it does not keep the others from being recovered.
 *
 * @returns whether all of them have been recovered
 */
export async function recoverContainers(context: Context): Promise<boolean> {
  const names = markedNames(context);
  if (names.length === 0) return true;
  const isBooting = !context.hasManager || (await systemd.isBooting(context));
  const failed: ContainerName[] = [];
  for (const name of names) if (!(await isRecovered(context, name, isBooting))) failed.push(name);
  return failed.length === 0;
}

async function isRecovered(context: Context, name: ContainerName, isBooting: boolean): Promise<boolean> {
  const container = containerOf(context, name);
  try {
    await withLock(context, container, async () => await recover(context, container, { isBooting }));
    return true;
  } catch (error) {
    if (interruptIn(error) !== undefined) throw error;
    const hint = `the next atomic command on '${name}' tries again`;
    warn(context, `Could not recover '${name}': ${lineOf(error)}; ${hint}`);
    return false;
  }
}
