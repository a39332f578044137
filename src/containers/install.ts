/** `atomic install`: makes a system container from an image, completely or not at all. */
import { type Context, shieldedFrom } from '../context.ts';
import { AtomicError, lineOf } from '../errors.ts';
import { note, warn } from '../events.ts';
import { exists, readLinkIfPresent } from '../host/files/files.ts';
import { findOrPullImage, type StoredImage } from '../images/find-or-pull.ts';
import { resolveReference } from '../images/sources/locate.ts';
import { findImage, type LocalImage } from '../images/store/images.ts';
import { labelOf, labelsOf } from '../images/store/labels.ts';
import { activePath, type Container, containerOf, preinstalledPath } from './deployments/container.ts';
import { defaultContainerName, parseNewContainerName } from './deployments/name.ts';
import { requireOwnNames, stemOf } from './deployments/name-conflicts.ts';
import { requireInstalledRuntime, runtimeFor } from './deployments/runtime.ts';
import { findRemoteRootfs, type RemoteRootfs } from './deployments/shared-rootfs.ts';
import { type PrepareRequest, prepareDeployment, previewDeployment } from './preparation/prepare.ts';
import { showChange, showDeployment } from './preparation/show.ts';
import { buildContainerPackage, builtPackage } from './preparation/whole-package.ts';
import type { Values } from './rendering/template.ts';
import { parseSet } from './rendering/values.ts';
import { requireStoppedHostService } from './service/host-service.ts';
import { NOTHING_RUNNING, type RestartSet, startRunning } from './service/restart-set.ts';
import { requirePackagesCanGo } from './system-package/check.ts';
import type { SystemPackage } from './system-package/sources.ts';
import { hasRemains, requireOwnRemains, takeRemainsAway } from './transaction/remains.ts';
import { switchOver } from './transaction/switch-over.ts';
import { withContainer, withLock } from './transaction/transaction.ts';
import { alreadyExists } from './units/files.ts';
import { needsReload } from './units/reload.ts';

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
  readonly systemPackage: SystemPackage | 'auto';
  readonly isDryRun: boolean;
  /** Whether standard input is a terminal. */
  readonly stdinIsTty: boolean;
}

/** What an install works with once the command line has been understood. */
interface Install {
  readonly container: Container;
  readonly set: Values;
  readonly runtime: string;
  readonly systemPackage: SystemPackage | 'auto';
  /** Whether the person has asked for packages, and so for what they run. */
  readonly allowsScripts: boolean;
  readonly remote: RemoteRootfs | undefined;
}

/**
 * Installs a container; its service is enabled, not started. A name that is taken is left as it is. An image that wants
 * to be run once is run instead; of one that is to be built, a package is made.
 *
 * @returns the exit status for the program
 * @throws AtomicError when a precondition does not hold or a step fails; the host is then as it was before
 */
export async function installContainer(context: Context, request: InstallRequest): Promise<number> {
  const name = request.name || defaultContainerName(await resolveReference(context, request.image));
  const container = containerOf(context, parseNewContainerName(name));
  const install: Install = {
    container,
    set: parseSet(request.set),
    runtime: runtimeFor(context, { named: request.runtime }),
    systemPackage: context.user.isRoot ? request.systemPackage : 'absent',
    allowsScripts: request.systemPackage === 'yes',
    remote: request.rootfs === undefined ? undefined : findRemoteRootfs(context, request.rootfs),
  };
  if (request.isDryRun) {
    await display(context, request.image, install);
    return 0;
  }
  const work = async () => await installUnlessTaken(context, request.image, install);
  const once = await withContainer(context, container, work, neighboursOf(context, install));
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

/** Containers that must not change meanwhile: the one whose root file system it is, and that of the name's stem. */
function neighboursOf(context: Context, { container, remote }: Install): readonly Container[] {
  const base = remote?.base;
  const stem = stemOf(context, container);
  return [base, stem?.name === base?.name ? undefined : stem].filter((neighbour) => neighbour !== undefined);
}

/** @returns the image when it is to be run once instead */
async function installUnlessTaken(
  context: Context,
  image: string,
  install: Install,
): Promise<StoredImage | undefined> {
  const { container } = install;
  const isBuilt = install.systemPackage === 'build';
  if (isTaken(context, container)) return undefined;
  if (!isBuilt) requireFreeDestinations(context, container);
  requireInstalledRuntime(install.runtime);
  const hidden = isBuilt ? undefined : await requireStoppedHostService(context, container);
  const stored = await findOrPullImage(context, image);
  if (isRunOnce(context, stored.image)) return stored;
  if (hidden !== undefined) warn(context, `Warning: ${container.unit} hides ${hidden} of this host`);
  if (isBuilt) await buildContainerPackage(context, firstDeployment(context, stored, install));
  else await installNew(context, stored, install);
  return undefined;
}

function isRunOnce(context: Context, image: LocalImage): boolean {
  return labelOf(labelsOf(context, image), 'atomic.run') === 'once';
}

/** A name that is taken is no error: provisioning scripts install again and again. A link that leads nowhere is free. */
function isTaken(context: Context, container: Container): boolean {
  const { name, link } = container;
  if (exists(link) && readLinkIfPresent(link) === undefined)
    throw new AtomicError(`Invalid container name '${name}': ${link} is not a container`);
  const isPresent = activePath(container) !== undefined || preinstalledPath(container) !== undefined;
  if (isPresent) note(context, `${name} already present`);
  return isPresent;
}

function requireFreeDestinations(context: Context, container: Container): void {
  requireOwnNames(context, container);
  if (hasRemains(container)) {
    requireOwnRemains(container);
    return;
  }
  const { unit, tmpfiles } = container;
  for (const path of [unit, tmpfiles]) if (exists(path)) throw alreadyExists(path);
}

/** Shows what an install would do; of an image that is not in the store, only as much as is known before it is pulled. */
async function display(context: Context, image: string, install: Install): Promise<void> {
  const { container } = install;
  if (isTaken(context, container)) return;
  if (install.systemPackage === 'build')
    return note(context, `Would make ${builtPackage(context, container)} of ${image}`);
  requireFreeDestinations(context, container);
  const found = findImage(context, image);
  if (found !== undefined && isRunOnce(context, found))
    return note(context, `Would run ${found.name} once, without installing it`);
  const [destination] = container.slots;
  if (found === undefined) {
    context.report({ kind: 'extracting', path: destination });
    note(context, `Would pull ${image}, and install what it asks for`);
    const nothing = { unit: undefined, tmpfiles: undefined, isReloaded: false };
    showChange(context, container, { ...nothing, services: 'enable', destination });
    return;
  }
  const request = firstDeployment(context, { image: found, reference: found.name }, install);
  const plan = await withLock(context, container, async () => await previewDeployment(context, request));
  showDeployment(context, plan);
  const isReloaded = await needsReload(context, container, plan.unit);
  showChange(context, container, { ...plan, services: 'enable', isReloaded });
}

function firstDeployment(context: Context, stored: StoredImage, install: Install): PrepareRequest {
  const labels = labelsOf(context, stored.image);
  return { ...install, ...stored, labels, slot: 0, kept: {}, current: undefined };
}

async function installNew(context: Context, stored: StoredImage, install: Install): Promise<void> {
  const { container, runtime, remote } = install;
  if (remote !== undefined) {
    const text = `The remote rootfs for this container is set to be ${remote.folder}`;
    note(context, text);
  }
  const request = firstDeployment(context, stored, install);
  const running = hasRemains(container) ? await replaceRemains(context, request) : NOTHING_RUNNING;
  const [to] = container.slots;
  const change = { operation: 'install', from: undefined, to, runtime, running, keepsFailed: false } as const;
  try {
    await prepareDeployment(context, request);
    await switchOver(context, container, change);
  } catch (error) {
    await startOthersAgain(context, running);
    throw error;
  }
}

/** What was stopped with the remains of a container, and can run without it. */
async function startOthersAgain(context: Context, { units }: RestartSet): Promise<void> {
  for (const unit of units) {
    try {
      await startRunning(shieldedFrom(context), { containers: [], units: [unit] });
    } catch (error) {
      warn(context, lineOf(error));
    }
  }
}

/** Removes what is left of a broken container, once it is sure that the new one can take its place; returns what ran. */
async function replaceRemains(context: Context, request: PrepareRequest): Promise<RestartSet> {
  await requirePackagesCanGo(context, request.container);
  await previewDeployment({ ...context, report: () => undefined }, request);
  return await takeRemainsAway(context, request.container);
}
