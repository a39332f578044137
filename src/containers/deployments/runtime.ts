/** Which OCI runtime a container has. */
import type { Context } from '../../context.ts';
import { AtomicError } from '../../errors.ts';
import { defaultRuntime } from '../../host/runtime.ts';
import { type Container, installedPath } from './container.ts';
import { readDeployment } from './deployment.ts';

/**
 * The runtime that a container was installed with; the default, and a warning, when its record cannot be read.
 *
 * @param missing the message when there is no such container
 * @throws AtomicError with that message
 */
export function installedRuntime(context: Context, container: Container, missing: string): string {
  const path = installedPath(container);
  if (path === undefined) throw new AtomicError(missing, { hint: "see 'atomic containers list -a'" });
  return recordedRuntime(context, container, path);
}

/** The runtime in the record of the deployment in `path`, else the default, with a warning when it is damaged. */
export function recordedRuntime(context: Context, { name }: Container, path: string): string {
  try {
    return readDeployment(name, path).info.runtime || defaultRuntime(context);
  } catch (error) {
    if (!(error instanceof AtomicError)) throw error;
    context.report({ kind: 'warning', text: error.message });
    return defaultRuntime(context);
  }
}

/** The runtime that a command names, that of the configuration, or the default. */
export function runtimeFor(context: Context, named: string | undefined): string {
  const configured = context.user.isRoot ? context.config.runtime : undefined;
  return named || configured || defaultRuntime(context);
}
