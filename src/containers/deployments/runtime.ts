/** Decides which OCI runtime a container uses. */
import type { Context } from '../../context.ts';
import { AtomicError, ifPossible, lineOf } from '../../errors.ts';
import { warn } from '../../events.ts';
import { exists } from '../../host/files/files.ts';
import { defaultRuntime, requireRuntime, runtimePath } from '../../host/runtime/runtime.ts';
import { type Container, hintForMissing, installedPath } from './container.ts';
import { readDeployment } from './deployment.ts';

/**
 * The runtime that a container was installed with; the default, and a warning, when its record cannot be read.
 *
 * @param missing the message when there is no such container
 * @throws AtomicError with that message
 */
export function installedRuntime(context: Context, container: Container, missing: string): string {
  const path = installedPath(container);
  if (path === undefined) throw new AtomicError(missing, { hint: hintForMissing(container) });
  return recordedRuntime(context, container, path);
}

/** The runtime in the record of the deployment in `path`; a damaged record counts as none, with a warning. */
export function recordedRuntime(context: Context, { name }: Container, path: string): string {
  const deployment = ifPossible(
    () => readDeployment(name, path),
    (error) => warn(context, lineOf(error)),
  );
  return runtimeFor(context, { recorded: deployment?.info.runtime });
}

/**
 * The runtime to use: the one that a command names, that of the container's record, that of root's configuration, or the
 * default.
 *
 * @returns an absolute path, or what was named when there is no such program
 */
export function runtimeFor(
  context: Context,
  { named, recorded }: { named?: string | undefined; recorded?: string | null | undefined } = {},
): string {
  const configured = context.user.isRoot ? context.config.runtime : undefined;
  return runtimePath(context, named || recorded || configured || defaultRuntime(context));
}

/**
 * Makes sure that a runtime is installed before work begins that would be in vain.
 *
 * @throws AtomicError in the Python tool's words
 */
export function requireInstalledRuntime(runtime: string): void {
  try {
    requireRuntime(runtime);
  } catch (error) {
    if (!(error instanceof AtomicError)) throw error;
    throw new AtomicError(`Cannot install the container: ${error.message}`, {
      hint: 'install it, or name another with --runtime',
      cause: error,
    });
  }
}

/** The runtime of a record, or another, and a warning, when that is not installed any more. */
export function usableRuntime(context: Context, recorded: string | null | undefined): string {
  const runtime = runtimeFor(context, { recorded });
  if (!recorded || exists(runtime)) return runtime;
  const other = runtimeFor(context);
  if (other !== runtime) warn(context, `The runtime ${recorded} is not installed any more: using ${other}`);
  return other;
}
