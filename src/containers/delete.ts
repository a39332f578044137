/** `atomic containers delete`: uninstalls several containers after asking for confirmation. */
import type { Context } from '../context.ts';
import { AtomicError, NotFoundError } from '../errors.ts';
import { shownName } from '../images/names/reference.ts';
import { byCodePoint } from '../order.ts';
import { containerFolders, isContainerLink, readDeployments, slotFolders } from './deployments/inventory.ts';
import { isContainerName } from './deployments/name.ts';
import { uninstallContainer } from './uninstall.ts';

export interface DeleteRequest {
  readonly names: readonly string[];
  /** Instead of `names`: all containers. */
  readonly isAll: boolean;
  /** Also when other containers use the root file system of one. */
  readonly isForced: boolean;
}

/** A container as the question shows it. */
export interface DeleteTarget {
  readonly name: string;
  readonly imageName: string;
}

/**
 * Uninstalls containers; those that use the root file system of another go before that one.
 *
 * @param confirm asks the person; whatever it throws ends the command before anything has been removed
 * @throws NotFoundError when one of the containers is not there
 */
export async function deleteContainers(
  context: Context,
  request: DeleteRequest,
  confirm: (targets: readonly DeleteTarget[]) => Promise<void>,
): Promise<void> {
  const targets = allTargets(context);
  for (const name of request.names) {
    if (targets.some((target) => target.name === name)) continue;
    const hint = "see 'atomic containers list -a'";
    throw new NotFoundError(name, `Unable to find backend associated with container '${name}'`, { hint });
  }
  const chosen = targets.filter(({ name }) => request.isAll || request.names.includes(name));
  if (chosen.length === 0) throw new AtomicError('No containers to delete');
  await confirm(chosen);
  for (const { name } of chosen)
    await uninstallContainer(context, { name, isForced: request.isForced, isDryRun: false });
}

/** All containers, be they damaged, in the order in which they can go. */
function allTargets(context: Context): readonly DeleteTarget[] {
  const infos = new Map(readDeployments(context).map(({ name, info }) => [name, info]));
  const needsOther = (name: string) => Number(Boolean(infos.get(name)?.remote));
  return containerNames(context)
    .map((name) => ({ name, imageName: shownName(infos.get(name)?.image ?? '') }))
    .sort((a, b) => needsOther(b.name) - needsOther(a.name));
}

/** Links, and the containers of deployments that have lost theirs: whatever else is there is not a container. */
function containerNames(context: Context): readonly string[] {
  const links = containerFolders(context.paths.checkouts).filter((folder) =>
    isContainerLink(context, folder),
  );
  const orphans = slotFolders(context).filter(({ isUnclaimed }) => isUnclaimed);
  const names = [...links.map(([name]) => name), ...orphans.map(({ container }) => container)];
  return [...new Set(names)].filter(isContainerName).sort(byCodePoint);
}
