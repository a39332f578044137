/** `atomic install`: a system container from an image, whole or not at all. */
import { type Context, shieldedFrom } from '../context.ts';
import { AtomicError } from '../errors.ts';
import { faultPoint } from '../faults.ts';
import { exists, readLinkIfPresent, removeIfPresent } from '../host/files/files.ts';
import { findOrPullImage, type StoredImage } from '../images/find-or-pull.ts';
import { defaultContainerName } from '../images/names/reference.ts';
import { resolveReference } from '../images/sources/locate.ts';
import { labelOf, labelsOf } from '../images/store/labels.ts';
import { containerPaths, preinstalledPath } from './deployments/deployment.ts';
import { type ContainerName, parseContainerName } from './deployments/name.ts';
import { runtimeFor } from './deployments/runtime.ts';
import { findRemoteRootfs, type RemoteRootfs } from './deployments/shared-rootfs.ts';
import { prepareDeployment } from './preparation/prepare.ts';
import type { Values } from './rendering/template.ts';
import { parseSet } from './rendering/values.ts';
import { NOTHING_RUNNING } from './service/restart-set.ts';
import { activate, deactivate } from './transaction/activation.ts';
import { clearPending, markPending } from './transaction/marker.ts';
import { placeDeployment, pointTo, removeSlots, settleSlots } from './transaction/slots.ts';
import { withContainer } from './transaction/transaction.ts';

export interface InstallRequest {
  /** The image as typed, with its transport prefix. */
  readonly image: string;
  /** Absent: derived from the image. */
  readonly name?: string;
  /** `NAME=VALUE` each. */
  readonly set: readonly string[];
  /** The root file system of another container, or an unpacked one. */
  readonly rootfs?: string;
  readonly runtime?: string;
  readonly systemPackage: string;
  readonly isDisplay: boolean;
  /** Whether standard input is a terminal. */
  readonly hasTerminal: boolean;
}

/** What an install works with once the command line has been understood. */
interface Install {
  readonly name: ContainerName;
  readonly set: Values;
  readonly runtime: string;
  readonly systemPackage: string;
  readonly remote: RemoteRootfs | undefined;
}

/**
 * Installs a container; its service is enabled, not started. A name that is taken is left as it is. An image that wants
 * to be run once is run instead.
 *
 * @returns the exit status for the program
 * @throws AtomicError when a precondition does not hold or a step fails; the host is then as it was before
 */
export async function installContainer(context: Context, request: InstallRequest): Promise<number> {
  requireSupported(request);
  const install: Install = {
    name: parseContainerName(
      request.name || defaultContainerName(await resolveReference(context, request.image)),
    ),
    set: parseSet(request.set),
    runtime: runtimeFor(context, request.runtime),
    systemPackage: context.user.isRoot ? 'no' : 'absent',
    remote: request.rootfs === undefined ? undefined : findRemoteRootfs(context, request.rootfs),
  };
  if (request.isDisplay) {
    if (!isTaken(context, install.name)) display(context, install);
    return 0;
  }
  const once = await withContainer(context, install.name, async () => {
    if (isTaken(context, install.name)) return undefined;
    requireFreeDestinations(context, install.name);
    const obtained = await findOrPullImage(context, request.image);
    if (wantsToRunOnce(context, obtained)) return obtained;
    await installNew(context, obtained, install);
    return undefined;
  });
  if (once === undefined) return 0;
  const { runImageOnce } = await import('./runs/image-once.ts');
  return await runImageOnce(context, { ...install, ...once, command: [], hasTerminal: request.hasTerminal });
}

function requireSupported({ systemPackage }: InstallRequest): void {
  if (systemPackage === 'build' || systemPackage === 'yes')
    throw new AtomicError(`atomic: install --system-package=${systemPackage} is not available in this build`);
}

/** A name that is taken is no error: provisioning scripts install again and again. */
function isTaken(context: Context, name: ContainerName): boolean {
  const { link } = containerPaths(context, name);
  if (exists(link) && readLinkIfPresent(link) === undefined)
    throw new AtomicError(`Invalid container name '${name}': ${link} is not a container`);
  const isPresent = exists(link) || preinstalledPath(context, name) !== undefined;
  if (isPresent) context.report({ kind: 'note', text: `${name} already present` });
  return isPresent;
}

function requireFreeDestinations(context: Context, name: ContainerName): void {
  const { unit, tmpfiles, slots } = containerPaths(context, name);
  for (const path of [unit, tmpfiles]) {
    if (exists(path)) {
      throw new AtomicError(`The file ${path} already exists.`, {
        hint: 'remove it or choose another --name',
      });
    }
  }
  const other = slots.find((slot) => readLinkIfPresent(slot) !== undefined);
  if (other !== undefined)
    throw new AtomicError(`Invalid container name '${name}': ${other} is a container of its own`);
}

/** What an install would do, for `--display`. */
function display(context: Context, { name }: Install): void {
  requireFreeDestinations(context, name);
  const { slots, link, unit } = containerPaths(context, name);
  context.report({ kind: 'extracting', path: slots[0] });
  context.report({ kind: 'note', text: `Would create ${link} and ${unit}` });
  context.report({ kind: 'command', argv: ['systemctl', 'daemon-reload'] });
  context.report({ kind: 'command', argv: ['systemctl', 'enable', name] });
}

function wantsToRunOnce(context: Context, { image }: StoredImage): boolean {
  return labelOf(labelsOf(context, image), 'atomic.run') === 'once';
}

async function installNew(context: Context, obtained: StoredImage, install: Install): Promise<void> {
  const { name, runtime, remote } = install;
  if (remote !== undefined) {
    const text = `The remote rootfs for this container is set to be ${remote.folder}`;
    context.report({ kind: 'note', text });
  }
  await removeSlots(context, name);
  await prepareDeployment(context, { ...install, ...obtained, slot: 0, kept: {}, current: undefined });
  await markPending(context, name, { operation: 'install', runtime, running: NOTHING_RUNNING });
  try {
    await faultPoint(context, 'commit.marked');
    await placeDeployment(context, name, 0);
    const [destination] = containerPaths(context, name).slots;
    await pointTo(context, name, destination);
    await activate(context, name, destination, 'enable');
  } catch (error) {
    await undo(context, install);
    throw error;
  }
  await clearPending(context, name);
  await settleSlots(context, name);
}

/** Back to no container, also after an interrupt. */
async function undo(context: Context, { name, runtime }: Install): Promise<void> {
  const shielded = shieldedFrom(context);
  await removeIfPresent(containerPaths(context, name).link);
  await deactivate(shielded, name, runtime);
  await removeSlots(shielded, name);
  await clearPending(shielded, name);
  await settleSlots(shielded, name);
}
