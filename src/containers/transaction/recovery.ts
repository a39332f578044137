/** Finishes or undoes what a killed command left of a container. */
import type { Context } from '../../context.ts';
import { AtomicError } from '../../errors.ts';
import { exists } from '../../host/files/files.ts';
import * as systemd from '../../host/systemd.ts';
import { activePath, type Container } from '../deployments/container.ts';
import { NOTHING_RUNNING, startRunning } from '../service/restart-set.ts';
import { activate, deactivate } from './activation.ts';
import { clearPending, type Pending, readPending } from './marker.ts';
import { removeSlots, settleSlots } from './slots.ts';
import { goBack } from './switch-over.ts';

/**
 * One rule: the state of the host is a function of the link. With a marker pending, what the link points to is
 * activated, and started if it ran; when it points nowhere, everything of that name is taken away. One line says so.
 *
 * @param isBooting nothing can be started yet: services that are enabled start afterwards
 */
export async function recover(
  context: Context,
  container: Container,
  { isBooting = false }: { isBooting?: boolean } = {},
): Promise<void> {
  const pending = await readPending(container);
  if (pending === undefined) {
    await settleSlots(context, container);
    return;
  }
  const quiet: Context = { ...context, report: () => undefined };
  const active = activePath(container);
  const outcome =
    active === undefined
      ? await takeAway(quiet, container, pending)
      : await finish(quiet, container, { active, pending, isBooting });
  await clearPending(context, container);
  await settleSlots(context, container);
  const text = `An earlier atomic command on '${container.name}' was cut short: ${outcome}`;
  context.report({ kind: 'warning', text });
}

async function takeAway(context: Context, container: Container, pending: Partial<Pending>): Promise<string> {
  await deactivate(context, container, pending.runtime);
  await removeSlots(context, container);
  return 'removed what it had left';
}

async function finish(
  context: Context,
  container: Container,
  { active, pending, isBooting }: { active: string; pending: Partial<Pending>; isBooting: boolean },
): Promise<string> {
  const { running = NOTHING_RUNNING, operation, from } = pending;
  await activate(context, container, active, operation === 'install' ? 'enable' : 'refresh');
  if (isBooting) {
    await startWhenBooted(context, container);
    return `finished the deployment ${active}`;
  }
  try {
    await startRunning(context, running);
    return `finished the deployment ${active}`;
  } catch (error) {
    if (!(error instanceof AtomicError)) throw error;
    const canGoBack = from !== undefined && from !== active && exists(from);
    // a service that does not start must not keep the next command from mending it
    if (!canGoBack) return `finished the deployment ${active}, but ${error.message}`;
    await goBack(context, container, { to: from, running });
    return `${error.message}; went back to the deployment ${from}`;
  }
}

/** A unit that was not there, or not enabled, when systemd planned the boot is no part of it. */
async function startWhenBooted(context: Context, { service }: Container): Promise<void> {
  if (await systemd.isEnabled(context, service)) await systemd.startLater(context, service);
}
