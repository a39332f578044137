/** Removes a container that a package of the host has brought: the package goes. */
import { join } from 'node:path';
import type { Context } from '../../context.ts';
import { AtomicError } from '../../errors.ts';
import { ownersOf } from '../../host/packages/rpm.ts';
import { deleteContainer } from '../../host/runtime/runtime.ts';
import * as systemd from '../../host/systemd.ts';
import type { Container } from '../deployments/container.ts';
import { recordedRuntime } from '../deployments/runtime.ts';
import { requireUnneededPackage } from '../system-package/check.ts';
import { removeNamedPackage } from '../system-package/installed.ts';
import { disable, ignoringFailure } from './take-away.ts';

/**
 * The name of the package that has brought a preinstalled container.
 *
 * @throws AtomicError when none has, or an ordinary user wants to know, who could not remove it
 */
export async function packageOfPreinstalled(
  context: Context,
  { name, preinstalled }: Container,
): Promise<string> {
  const refuse = (reason: string, hint: string) =>
    new AtomicError(`cannot uninstall '${name}': ${reason}`, { hint });
  if (!context.user.isRoot) throw refuse('a package brought it', 'only root can remove packages');
  const [owner] = await ownersOf(context, join(preinstalled, 'info'));
  if (owner === undefined) throw refuse(`no package has brought ${preinstalled}`, 'remove that directory');
  return owner;
}

/**
 * Stops a preinstalled container for good, and removes its package.
 *
 * @throws AtomicError when another package requires it; ToolError when it cannot be removed
 */
export async function removePreinstalled(context: Context, container: Container): Promise<void> {
  const owner = await packageOfPreinstalled(context, container);
  await requireUnneededPackage(context, container, owner);
  const runtime = recordedRuntime(context, container, container.preinstalled);
  await disable(context, container, runtime);
  // a chroot may have the /run of another host, with the containers of that
  if (context.hasManager) await deleteContainer(context, runtime, container.name);
  await removeNamedPackage(context, owner);
  context.report({ kind: 'command', argv: systemd.systemctlArgv(context, 'daemon-reload') });
  await ignoringFailure(context, systemd.daemonReload(context));
}
