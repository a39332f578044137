/** `atomic install`: a system container from an image, whole or not at all. */
import { rename } from 'node:fs/promises';
import type { Context } from '../context.ts';
import { AtomicError } from '../errors.ts';
import { exists, removeIfPresent, replaceLink, syncFolder } from '../host/files.ts';
import { defaultRuntime } from '../host/runtime.ts';
import { labelOf, labelsOf } from '../images/inspect.ts';
import { pullImage } from '../images/pull.ts';
import { defaultContainerName, parseReference, refOf } from '../images/reference.ts';
import { resolveReference } from '../images/source.ts';
import { findImage, type LocalImage } from '../images/store.ts';
import { activate, deactivate } from './activate.ts';
import { containerPaths, preinstalledPath } from './deployment.ts';
import { type ContainerName, parseContainerName } from './name.ts';
import { type Prepared, prepareDeployment } from './prepare.ts';
import type { Values } from './template.ts';
import { clearPending, markPending, removeSlots, withContainer } from './transaction.ts';
import { parseSet } from './values.ts';

export interface InstallRequest {
  /** The image as typed, with its transport prefix. */
  readonly image: string;
  /** Absent: derived from the image. */
  readonly name?: string;
  /** `NAME=VALUE` each. */
  readonly set: readonly string[];
  readonly rootfs?: string;
  readonly runtime?: string;
  readonly systemPackage: string;
  readonly isDisplay: boolean;
  readonly mode: 'system' | 'user' | 'unstated';
  readonly storage?: string;
}

/** What an install works with once the command line has been understood. */
interface Install {
  readonly name: ContainerName;
  readonly set: Values;
  readonly runtime: string;
}

/**
 * Installs a container; its service is enabled, not started. A name that is taken is left as it is.
 *
 * @throws AtomicError when a precondition does not hold or a step fails; the host is then as it was before
 */
export async function installContainer(context: Context, request: InstallRequest): Promise<void> {
  requireSupported(request);
  const install = {
    name: parseContainerName(
      request.name || defaultContainerName(await resolveReference(context, request.image)),
    ),
    set: parseSet(request.set),
    runtime: runtimeFor(context, request),
  };
  await withContainer(context, install.name, async () => {
    if (isTaken(context, install.name)) {
      context.report({ kind: 'note', text: `${install.name} already present` });
      return;
    }
    requireFreeDestinations(context, install.name);
    if (request.isDisplay) display(context, install.name);
    else await installNew(context, request.image, install);
  });
}

function requireSupported(request: InstallRequest): void {
  if (request.rootfs !== undefined)
    throw new AtomicError('atomic: install --rootfs is not available in this build');
  if (request.systemPackage === 'build' || request.systemPackage === 'yes')
    throw new AtomicError(
      `atomic: install --system-package=${request.systemPackage} is not available in this build`,
    );
}

function runtimeFor(context: Context, request: InstallRequest): string {
  const configured = context.user.isRoot ? context.config.runtime : undefined;
  return request.runtime || configured || defaultRuntime(context);
}

function isTaken(context: Context, name: ContainerName): boolean {
  const { link } = containerPaths(context, name);
  return exists(link) || preinstalledPath(context, name) !== undefined;
}

function requireFreeDestinations(context: Context, name: ContainerName): void {
  const { unit, tmpfiles } = containerPaths(context, name);
  for (const path of [unit, tmpfiles]) {
    if (exists(path)) {
      throw new AtomicError(`The file ${path} already exists.`, {
        hint: 'remove it or choose another --name',
      });
    }
  }
}

/** What an install would do, for `--display`. */
function display(context: Context, name: ContainerName): void {
  const { slots, link, unit } = containerPaths(context, name);
  context.report({ kind: 'extracting', path: slots[0] });
  context.report({ kind: 'note', text: `Would create ${link} and ${unit}` });
  context.report({ kind: 'command', argv: ['systemctl', 'daemon-reload'] });
  context.report({ kind: 'command', argv: ['systemctl', 'enable', name] });
}

async function installNew(context: Context, imageText: string, install: Install): Promise<void> {
  const { reference, image } = await obtainImage(context, imageText);
  requireService(context, reference, image);
  await removeSlots(context, install.name);
  const prepared = await prepareDeployment(context, { ...install, slot: 0, image, reference });
  await markPending(context, install.name, { operation: 'install', runtime: install.runtime });
  try {
    await commit(context, install.name, prepared);
    await activate(context, install.name, prepared.destination);
  } catch (error) {
    await undo(context, install);
    throw error;
  }
  await clearPending(context, install.name);
}

/** The image from the store, also by the beginning of its id; pulled first when it is not there. */
async function obtainImage(
  context: Context,
  text: string,
): Promise<{ reference: string; image: LocalImage }> {
  const local = findImage(context, text);
  if (local !== undefined && local.ref !== refOf(parseReference(text)))
    return { reference: local.name, image: local };
  const { reference } = await pullImage(context, { image: text, isUpgrade: false });
  const image = findImage(context, reference);
  if (image === undefined) throw new AtomicError(`Image ${text} not found`);
  return { reference, image };
}

/** An image that wants to be run once is not a service. */
function requireService(context: Context, reference: string, image: LocalImage): void {
  if (labelOf(labelsOf(context, image), 'atomic.run') !== 'once') return;
  throw new AtomicError(`cannot install ${reference}: running an image once is not available in this build`);
}

/** Gives the deployment its name, and then the container: the rename of the link is the commit point. */
async function commit(
  context: Context,
  name: ContainerName,
  { staging, destination }: Prepared,
): Promise<void> {
  await rename(staging, destination);
  await syncFolder(context.paths.checkouts);
  await replaceLink(containerPaths(context, name).link, destination);
}

/** Back to no container, also after an interrupt. */
async function undo(context: Context, { name, runtime }: Install): Promise<void> {
  const shielded = {
    ...context,
    processes: context.processes.shielded(),
    signal: new AbortController().signal,
    report: () => undefined,
  };
  await removeIfPresent(containerPaths(context, name).link);
  await deactivate(shielded, name, runtime);
  await removeSlots(shielded, name);
  await clearPending(shielded, name);
}
