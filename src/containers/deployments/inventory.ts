/** The active deployments of all containers of this host. */
import type { Context } from '../../context.ts';
import { AtomicError } from '../../errors.ts';
import { readLinkIfPresent } from '../../host/files/files.ts';
import { isRepository } from '../../host/ostree/repository.ts';
import { containerFolders, type Deployment, type NamedFolder, readDeployment, slotOf } from './deployment.ts';

/** All containers, those that packages brought included, sorted by name. */
export function readDeployments(context: Context): readonly Deployment[] {
  return allFolders(context).flatMap((folder) => readOrWarn(context, folder));
}

/** The links, or folders, of all containers, sorted by name. */
export function allFolders({ paths }: Context): readonly NamedFolder[] {
  const { checkouts, preinstalled } = paths;
  const own = containerFolders(checkouts);
  const names = new Set(own.map(([name]) => name));
  const others = containerFolders(preinstalled).filter(([name]) => !names.has(name));
  return [...own, ...others].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Reads one of {@link allFolders}; what cannot be read is named in a warning. */
export function readOrWarn(context: Context, [name, path]: NamedFolder): readonly Deployment[] {
  // compat: in user mode the repository lies among the containers
  if (name === 'repo' && isRepository(path)) return [];
  try {
    requireContainer(name, path);
    return [readDeployment(name, path)];
  } catch (error) {
    if (!(error instanceof AtomicError)) throw error;
    context.report({ kind: 'warning', text: `Skipping container '${name}': ${error.message}` });
    return [];
  }
}

/** A slot whose container has lost its link is none. */
function requireContainer(name: string, path: string): void {
  if (slotOf(path) === undefined || readLinkIfPresent(path) !== undefined) return;
  const container = name.slice(0, -2);
  throw new AtomicError(
    `${path} is a deployment without container; 'atomic uninstall ${container}' removes it`,
  );
}
