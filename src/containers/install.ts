/** `atomic install`: makes a system container from an image, completely or not at all. */

import { type Context, shieldedFrom } from '../context.ts';
import { AtomicError } from '../errors.ts';
import { note } from '../events.ts';
import { faultPoint } from '../faults.ts';
import { exists, readLinkIfPresent, removeIfPresent } from '../host/files/files.ts';
import { findOrPullImage, type StoredImage } from '../images/find-or-pull.ts';
import { resolveReference } from '../images/sources/locate.ts';
import { labelOf, labelsOf } from '../images/store/labels.ts';
import { type Container, containerOf, preinstalledPath } from './deployments/container.ts';
import { defaultContainerName, parseContainerName } from './deployments/name.ts';
import { requireInstalledRuntime, runtimeFor } from './deployments/runtime.ts';
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
  readonly stdinIsTty: boolean;
}

/** What an install works with once the command line has been understood. */
interface Install {
  readonly container: Container;
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
  const name = request.name || defaultContainerName(await resolveReference(context, request.image));
  const container = containerOf(context, parseContainerName(name));
  const install: Install = {
    container,
    set: parseSet(request.set),
    runtime: runtimeFor(context, { named: request.runtime }),
    systemPackage: context.user.isRoot ? 'no' : 'absent',
    remote: request.rootfs === undefined ? undefined : findRemoteRootfs(context, request.rootfs),
  };
  if (request.isDisplay) {
    if (!isTaken(context, container)) display(context, install);
    return 0;
  }
  const once = await withContainer(context, container, async () => {
    if (isTaken(context, container)) return undefined;
    requireFreeDestinations(container);
    requireInstalledRuntime(install.runtime);
    const obtained = await findOrPullImage(context, request.image);
    if (wantsToRunOnce(context, obtained)) return obtained;
    await installNew(context, obtained, install);
    return undefined;
  });
  if (once === undefined) return 0;
  const { runImageOnce } = await import('./runs/image-once.ts');
  return await runImageOnce(context, {
    ...install,
    ...once,
    name: container.name,
    command: [],
    stdinIsTty: request.stdinIsTty,
  });
}

function requireSupported({ systemPackage }: InstallRequest): void {
  if (systemPackage === 'build' || systemPackage === 'yes')
    throw new AtomicError(`atomic: install --system-package=${systemPackage} is not available in this build`);
}

/** A name that is taken is no error: provisioning scripts install again and again. */
function isTaken(context: Context, container: Container): boolean {
  const { name, link } = container;
  if (exists(link) && readLinkIfPresent(link) === undefined)
    throw new AtomicError(`Invalid container name '${name}': ${link} is not a container`);
  const isPresent = exists(link) || preinstalledPath(container) !== undefined;
  if (isPresent) note(context, `${name} already present`);
  return isPresent;
}

function requireFreeDestinations({ name, unit, tmpfiles, slots }: Container): void {
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
function display(context: Context, { container }: Install): void {
  requireFreeDestinations(container);
  const { name, slots, link, unit } = container;
  context.report({ kind: 'extracting', path: slots[0] });
  note(context, `Would create ${link} and ${unit}`);
  context.report({ kind: 'command', argv: ['systemctl', 'daemon-reload'] });
  context.report({ kind: 'command', argv: ['systemctl', 'enable', name] });
}

function wantsToRunOnce(context: Context, { image }: StoredImage): boolean {
  return labelOf(labelsOf(context, image), 'atomic.run') === 'once';
}

async function installNew(context: Context, obtained: StoredImage, install: Install): Promise<void> {
  const { container, runtime, remote } = install;
  if (remote !== undefined) {
    const text = `The remote rootfs for this container is set to be ${remote.folder}`;
    note(context, text);
  }
  await removeSlots(context, container);
  await prepareDeployment(context, { ...install, ...obtained, slot: 0, kept: {}, current: undefined });
  await markPending(container, { operation: 'install', runtime, running: NOTHING_RUNNING });
  try {
    await faultPoint(context, 'commit.marked');
    await placeDeployment(context, container, 0);
    const [destination] = container.slots;
    await pointTo(context, container, destination);
    await activate(context, container, destination, 'enable');
  } catch (error) {
    await undo(context, install);
    throw error;
  }
  await clearPending(context, container);
  await settleSlots(context, container);
}

/** Back to no container, also after an interrupt. */
async function undo(context: Context, { container, runtime }: Install): Promise<void> {
  const shielded = shieldedFrom(context);
  await removeIfPresent(container.link);
  await deactivate(shielded, container, runtime);
  await removeSlots(shielded, container);
  await clearPending(shielded, container);
  await settleSlots(shielded, container);
}
