/** `atomic run`: starts the service of a container. */
import type { Context } from '../context.ts';
import { AtomicError, ToolError } from '../errors.ts';
import { deleteContainer } from '../host/runtime.ts';
import * as systemd from '../host/systemd.ts';
import { installedRuntime } from './installed-runtime.ts';
import { type ContainerName, parseContainerName } from './name.ts';
import { withContainer } from './transaction.ts';

export interface RunRequest {
  readonly name: string;
  /** Empty: start the service. */
  readonly command: readonly string[];
  readonly isDetached: boolean;
  readonly runtime?: string;
  readonly set: readonly string[];
  /** Say what would be done, and do nothing. */
  readonly isDisplay: boolean;
  readonly storage?: string;
}

/**
 * Starts the service of a container; a container of that name that nobody runs any more is removed first.
 *
 * @returns the exit status for the program
 * @throws AtomicError when there is no such container, or its service does not start
 */
export async function runContainer(context: Context, request: RunRequest): Promise<number> {
  if (request.command.length > 0)
    throw new AtomicError('atomic: run with a command is not available in this build');
  const name = parseContainerName(request.name);
  const runtime = installedRuntime(context, name, `The container '${name}' doesn't exist`);
  const command = { kind: 'command', argv: systemd.systemctlArgv(context, 'start', name) } as const;
  if (request.isDisplay) {
    context.report(command);
    return 0;
  }
  await withContainer(context, name, async () => {
    if (!(await isRunning(context, name))) await deleteContainer(context, runtime, name);
    context.report(command);
    await startService(context, name);
  });
  return 0;
}

async function isRunning(context: Context, name: ContainerName): Promise<boolean> {
  const { active } = await systemd.unitState(context, name);
  return !['inactive', 'failed'].includes(active);
}

async function startService(context: Context, name: ContainerName): Promise<void> {
  try {
    await systemd.start(context, name);
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    const { result, exitStatus } = await systemd.unitState(context, name);
    throw new AtomicError(`cannot start '${name}' (${result}, exit status ${exitStatus})`, {
      hint: `see 'journalctl -u ${name}'`,
      cause: error,
    });
  }
}
