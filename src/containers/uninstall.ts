/** `atomic uninstall`: takes a container away; whatever state it is in, it goes. */
import type { Context } from '../context.ts';
import { AtomicError } from '../errors.ts';
import { exists, removeIfPresent, syncFolder } from '../host/files.ts';
import { defaultRuntime } from '../host/runtime.ts';
import * as systemd from '../host/systemd.ts';
import { deactivate } from './activate.ts';
import { activePath, containerPaths, preinstalledPath } from './deployment.ts';
import { recordedRuntime } from './installed-runtime.ts';
import { type ContainerName, parseContainerName } from './name.ts';
import { clearPending, markPending, removeSlots, withContainer } from './transaction.ts';

export interface UninstallRequest {
  readonly name: string;
  /** Say what would be done, and do nothing. */
  readonly isDisplay: boolean;
}

/**
 * Removes a container: service, unit, tmpfiles file, deployments, and what the runtime still knows of it.
 *
 * @throws AtomicError when there is no such container
 */
export async function uninstallContainer(context: Context, request: UninstallRequest): Promise<void> {
  const name = parseContainerName(request.name);
  requireInstalled(context, name);
  if (request.isDisplay) {
    context.report({ kind: 'command', argv: systemd.systemctlArgv(context, 'disable', '--now', name) });
    context.report({
      kind: 'note',
      text: `Would remove ${containerPaths(context, name).link} and its deployments`,
    });
    return;
  }
  await withContainer(context, name, async () => {
    requireInstalled(context, name);
    await remove(context, name);
  });
}

function requireInstalled(context: Context, name: ContainerName): void {
  const { link, slots } = containerPaths(context, name);
  for (const path of [link, ...slots]) if (exists(path)) return;
  if (preinstalledPath(context, name) !== undefined) {
    throw new AtomicError(`cannot uninstall '${name}': a package brought it`, {
      hint: `remove the package atomic-container-${name}`,
    });
  }
  throw new AtomicError(`Unable to find '${name}' in the following backends: ostree`, {
    hint: "see 'atomic containers list -a'",
  });
}

/** The link goes first: from then on the container is no more, and recovery finishes what is left. */
async function remove(context: Context, name: ContainerName): Promise<void> {
  const runtime = runtimeOf(context, name);
  await markPending(context, name, { operation: 'uninstall', runtime });
  await removeIfPresent(containerPaths(context, name).link);
  await syncFolder(context.paths.checkouts);
  await deactivate(context, name, runtime);
  await removeSlots(context, name);
  await clearPending(context, name);
}

/** Whatever is left of the container, its runtime is told to forget it. */
function runtimeOf(context: Context, name: ContainerName): string {
  const path = activePath(context, name);
  return path === undefined ? defaultRuntime(context) : recordedRuntime(context, name, path);
}
