/** Makes the host agree with a deployment, or with there being none. Both can be run again from any half-way state. */
import type { Context } from '../context.ts';
import { readIfPresent, removeIfPresent, replaceFile } from '../host/files.ts';
import { deleteContainer } from '../host/runtime.ts';
import * as systemd from '../host/systemd.ts';
import { createTmpfiles, removeTmpfiles, tmpfilesArgv } from '../host/tmpfiles.ts';
import { together } from '../together.ts';
import { containerPaths, tmpfilesCopy, unitCopy } from './deployment.ts';
import { withStopGrace } from './stop-grace.ts';

/** Installs the unit and the tmpfiles file of the deployment in `path`, and enables the service; starts nothing. */
export async function activate(context: Context, name: string, path: string): Promise<void> {
  const target = containerPaths(context, name);
  const unit = readIfPresent(unitCopy(path, name));
  const tmpfiles = readIfPresent(tmpfilesCopy(path, name));
  await installFile(target.unit, unit);
  await installFile(target.tmpfiles, tmpfiles);
  announce(context, name, { hasService: unit !== undefined, hasTmpfiles: tmpfiles !== undefined });
  await together([
    unit === undefined ? Promise.resolve() : systemd.enable(context, name),
    tmpfiles === undefined ? Promise.resolve() : createTmpfiles(context, target.tmpfiles),
  ]);
}

/** The lines that scripts know. systemctl enable reloads systemd by itself: one reload covers unit and links. */
function announce(
  context: Context,
  name: string,
  { hasService, hasTmpfiles }: { hasService: boolean; hasTmpfiles: boolean },
): void {
  const tmpfiles = tmpfilesArgv('--create', containerPaths(context, name).tmpfiles);
  if (hasService) context.report({ kind: 'command', argv: systemd.systemctlArgv(context, 'daemon-reload') });
  if (hasTmpfiles) context.report({ kind: 'command', argv: tmpfiles });
  if (hasService) context.report({ kind: 'command', argv: systemd.systemctlArgv(context, 'enable', name) });
}

/** Writes a file of the host, or removes it when the deployment has none; an equal one is left alone. */
async function installFile(path: string, text: string | undefined): Promise<void> {
  if (text === undefined) await removeIfPresent(path);
  else if (readIfPresent(path) !== text) await replaceFile(path, text);
}

/**
 * Stops the service and takes its unit and tmpfiles file away, as far as they are there.
 *
 * @param runtime the runtime that may still have a container of that name; unknown for damaged deployments
 */
export async function deactivate(context: Context, name: string, runtime: string | undefined): Promise<void> {
  const { unit, tmpfiles } = containerPaths(context, name);
  const unitText = readIfPresent(unit);
  if (unitText !== undefined) {
    context.report({ kind: 'command', argv: systemd.systemctlArgv(context, 'disable', '--now', name) });
    await withStopGrace(context, { name, runtime, unit: unitText }, () => disable(context, name));
  }
  if (runtime !== undefined) await deleteContainer(context, runtime, name);
  await removeIfPresent(unit);
  context.report({ kind: 'command', argv: systemd.systemctlArgv(context, 'daemon-reload') });
  await ignoringFailure(context, systemd.daemonReload(context));
  if (readIfPresent(tmpfiles) === undefined) return;
  context.report({ kind: 'command', argv: tmpfilesArgv('--remove', tmpfiles) });
  await ignoringFailure(context, removeTmpfiles(context, tmpfiles));
  await removeIfPresent(tmpfiles);
}

async function disable(context: Context, name: string): Promise<void> {
  await ignoringFailure(context, systemd.disableNow(context, name));
  await ignoringFailure(context, systemd.resetFailed(context, name));
}

/** Taking away goes on whatever systemd says of a unit that may be broken. */
async function ignoringFailure(context: Context, step: Promise<unknown>): Promise<void> {
  try {
    await step;
  } catch (error) {
    if (context.signal.aborted) throw error;
    context.log.debug({ error: String(error) }, 'a step of the removal failed');
  }
}
