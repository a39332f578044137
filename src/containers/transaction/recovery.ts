/** What a command that was killed left is finished, or undone, by the next one on the same container. */
import type { Context } from '../../context.ts';
import { AtomicError } from '../../errors.ts';
import { exists } from '../../host/files/files.ts';
import { activePath } from '../deployments/deployment.ts';
import type { ContainerName } from '../deployments/name.ts';
import { NOTHING_RUNNING, startRunning } from '../service/restart-set.ts';
import { activate, deactivate } from './activation.ts';
import { clearPending, type Pending, readPending } from './marker.ts';
import { removeSlots, settleSlots } from './slots.ts';
import { goBack } from './switch-over.ts';

/**
 * One rule: the state of the host is a function of the link. With a marker pending, what the link points to is
 * activated, and started if it ran; when it points nowhere, everything of that name is taken away. One line says so.
 */
export async function recover(context: Context, name: ContainerName): Promise<void> {
  const pending = await readPending(context, name);
  if (pending === undefined) {
    await settleSlots(context, name);
    return;
  }
  const quiet: Context = { ...context, report: () => undefined };
  const active = activePath(context, name);
  const outcome =
    active === undefined
      ? await takeAway(quiet, name, pending)
      : await finish(quiet, name, { active, pending });
  await clearPending(context, name);
  await settleSlots(context, name);
  const text = `An earlier atomic command on '${name}' was cut short: ${outcome}`;
  context.report({ kind: 'warning', text });
}

async function takeAway(context: Context, name: ContainerName, pending: Partial<Pending>): Promise<string> {
  await deactivate(context, name, pending.runtime);
  await removeSlots(context, name);
  return 'removed what it had left';
}

async function finish(
  context: Context,
  name: ContainerName,
  { active, pending }: { active: string; pending: Partial<Pending> },
): Promise<string> {
  const { running = NOTHING_RUNNING, operation, from } = pending;
  await activate(context, name, active, operation === 'install' ? 'enable' : 'refresh');
  try {
    await startRunning(context, running);
    return `finished the deployment ${active}`;
  } catch (error) {
    if (!(error instanceof AtomicError)) throw error;
    const canGoBack = from !== undefined && from !== active && exists(from);
    // a service that does not start must not keep the next command from mending it
    if (!canGoBack) return `finished the deployment ${active}, but ${error.message}`;
    await goBack(context, name, { to: from, running });
    return `${error.message}; went back to the deployment ${from}`;
  }
}
