/** Switches a container to another deployment, and back when the new one does not start. */
import { type Context, shieldedFrom } from '../../context.ts';
import { faultPoint } from '../../faults.ts';
import { type Container, type Slot, slotOf } from '../deployments/container.ts';
import { type Running, startRunning, stopRunning } from '../service/restart-set.ts';
import { activate, removeMarked } from './activation.ts';
import { clearPending, markPending } from './marker.ts';
import { placeDeployment, pointTo, settleSlots } from './slots.ts';

export interface SwitchRequest {
  /** For an update, the new deployment waits in the staging folder of its slot. */
  readonly operation: 'update' | 'rollback';
  /** The folder of the deployment that is active. */
  readonly from: string;
  /** The folder of the deployment that is to be active. */
  readonly to: string;
  readonly runtime: string;
  readonly running: Running;
  /** Leave a deployment that does not start where it is, for a look. */
  readonly keepsFailed: boolean;
}

/**
 * Switches a container to its other deployment. If it runs, it is stopped and started, and so are the containers that
 * share its root file system; when anything fails, all is as it was before.
 *
 * @throws whatever failed, after everything has been put back
 */
export async function switchDeployment(
  context: Context,
  container: Container,
  request: SwitchRequest,
): Promise<void> {
  const { operation, from, runtime, running, keepsFailed } = request;
  await markPending(container, { operation, runtime, from, running });
  let isReplaced = false;
  try {
    await faultPoint(context, 'commit.marked');
    await replace(context, container, request);
    isReplaced = true;
    await startRunning(context, running);
    await faultPoint(context, 'switch.started');
  } catch (error) {
    const isKept = isReplaced && keepsFailed && !context.signal.aborted;
    if (!isKept) await putBack(context, container, { to: from, running });
    else await finish(context, container);
    throw error;
  }
  await finish(context, container);
}

async function finish(context: Context, container: Container): Promise<void> {
  await clearPending(context, container);
  await settleSlots(context, container);
}

async function replace(
  context: Context,
  container: Container,
  { operation, to, running }: SwitchRequest,
): Promise<void> {
  await stopRunning(context, running);
  await faultPoint(context, 'switch.stopped');
  await removeMarked(context, container.tmpfiles);
  if (operation === 'update') await placeDeployment(context, container, slotOf(to) as Slot);
  await pointTo(context, container, to);
  await activate(context, container, to, 'keep');
}

interface WayBack {
  readonly to: string;
  readonly running: Running;
}

/** Goes back; if even that fails, the marker stays, and the next command tries again. */
async function putBack(context: Context, container: Container, way: WayBack): Promise<void> {
  const { name } = container;
  const report = (text: string) => context.report({ kind: 'warning', text });
  if (!context.signal.aborted && way.running.containers.length > 0)
    report(`Could not restart ${name}.  Attempt automatic rollback`);
  try {
    await goBack(shieldedFrom(context), container, way);
    await finish(context, container);
  } catch (error) {
    const hint = `the next atomic command on '${name}' tries again`;
    report(`Could not go back to the deployment ${way.to}: ${(error as Error).message}; ${hint}`);
  }
}

/** Makes the deployment in `to` the active one again, whatever state the host is in, and starts what ran. */
export async function goBack(
  context: Context,
  container: Container,
  { to, running }: WayBack,
): Promise<void> {
  await stopRunning(context, running);
  await pointTo(context, container, to);
  // the slots are settled later: what the failed deployment has put on the host is known from its record
  await activate(context, container, to, 'refresh');
  await startRunning(context, running);
}
