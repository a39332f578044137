/** `atomic containers update`: makes a new deployment in the other slot, from a newer image or with other values. */
import { join } from 'node:path';
import type { Context } from '../context.ts';
import { AtomicError, NotFoundError } from '../errors.ts';
import { note } from '../events.ts';
import { exists } from '../host/files/files.ts';
import { requireRuntime } from '../host/runtime/runtime.ts';
import { findOrPullImage } from '../images/find-or-pull.ts';
import { findImage } from '../images/store/images.ts';
import { type Labels, labelsOf } from '../images/store/labels.ts';
import {
  activePath,
  type Container,
  containerOf,
  hintForMissing,
  preinstalledPath,
  slotOf,
} from './deployments/container.ts';
import { type Deployment, readDeployment } from './deployments/deployment.ts';
import { isContainerName, parseContainerName } from './deployments/name.ts';
import { runtimeFor, usableRuntime } from './deployments/runtime.ts';
import { findRemoteRootfs } from './deployments/shared-rootfs.ts';
import { type PrepareRequest, prepareDeployment, previewDeployment } from './preparation/prepare.ts';
import { showChange, showDeployment } from './preparation/show.ts';
import { readExports } from './rendering/exports.ts';
import { recordedValues, valuesSetByPerson } from './rendering/recorded-values.ts';
import type { Values } from './rendering/template.ts';
import { parseSet } from './rendering/values.ts';
import { findRunning, servicesOf } from './service/restart-set.ts';
import { requireUsableSlot } from './transaction/slots.ts';
import { switchOver } from './transaction/switch-over.ts';
import { withContainer, withLock } from './transaction/transaction.ts';

export interface UpdateRequest {
  readonly name: string;
  /** `NAME=VALUE` each. */
  readonly set: readonly string[];
  /** Switch to this image; it is pulled when it is not in the store. */
  readonly rebase?: string;
  /** Move to this runtime; absent: stay with the recorded one. */
  readonly runtime?: string;
  /** Leave a deployment that does not start where it is, instead of going back. */
  readonly keepsFailed: boolean;
  /** Say what would be done, and do nothing. */
  readonly isDryRun: boolean;
}

/**
 * Updates a container when the image in the store, or a value, is another than that of its deployment. The registry
 * is not asked.
 *
 * @returns whether there was anything to do
 * @throws AtomicError when the container or the image is not there, the new deployment is not valid, or its service
 *   does not start; the container is then as it was before
 */
export async function updateContainer(context: Context, request: UpdateRequest): Promise<boolean> {
  const container = containerOf(context, parseContainerName(request.name));
  const set = parseSet(request.set);
  requireInstalled(container);
  if (request.isDryRun) return await display(context, container, { ...request, set });
  return await withContainer(context, container, async () => {
    const current = readDeployment(container.name, requireInstalled(container));
    const runtimes = runtimesOf(context, current, request.runtime);
    const next = await nextDeployment(context, { container, current }, { ...request, ...runtimes, set });
    if (next === undefined) return false;
    requireUsableSlot(container, next.slot);
    await prepareDeployment(context, next);
    await switchOver(context, container, {
      operation: 'update',
      from: current.path,
      to: container.slots[next.slot],
      runtime: runtimes.before,
      keepsFailed: request.keepsFailed,
    });
    return true;
  });
}

/** Shows what an update would do; an image that would have to be pulled for it is not. */
async function display(
  context: Context,
  container: Container,
  request: Omit<UpdateRequest, 'set'> & { set: Values },
): Promise<boolean> {
  const { rebase } = request;
  if (rebase !== undefined && findImage(context, rebase) === undefined) {
    note(context, `Would pull ${rebase}, and update '${container.name}' to it`);
    return true;
  }
  return await withLock(context, container, async () => {
    const current = readDeployment(container.name, requireInstalled(container));
    const runtimes = runtimesOf(context, current, request.runtime);
    const next = await nextDeployment(context, { container, current }, { ...request, ...runtimes });
    if (next === undefined) return false;
    requireUsableSlot(container, next.slot);
    const plan = await previewDeployment(context, next);
    showDeployment(context, plan);
    const running = await findRunning(context, { name: container.name, runtime: runtimes.before });
    showChange(context, container, { ...plan, services: servicesOf(running), isReloaded: true });
    return true;
  });
}

/** Whether `text` is the name of a container with deployments of its own. */
export function isInstalled(context: Context, text: string): boolean {
  return isContainerName(text) && activePath(containerOf(context, text)) !== undefined;
}

function requireInstalled(container: Container): string {
  const { name } = container;
  const path = activePath(container);
  if (path !== undefined) return path;
  if (preinstalledPath(container) !== undefined)
    throw new AtomicError('Cannot update a preinstalled container', {
      hint: `update the package of '${name}'`,
    });
  throw new AtomicError(`System container '${name}' is not installed`, {
    hint: hintForMissing(container),
  });
}

/** The runtimes that a container has, and that it will have. */
interface Runtimes {
  /** The one that knows the container now. */
  readonly before: string;
  readonly after: string;
  /** Whether it is to have another one than is recorded. */
  readonly isMoved: boolean;
}

function runtimesOf(context: Context, { info }: Deployment, named: string | undefined): Runtimes {
  if (!named) {
    // of one that is not installed any more, a new deployment is made, so that the container can start again
    const runtime = usableRuntime(context, info.runtime);
    const isMoved = runtime !== runtimeFor(context, { recorded: info.runtime }) && exists(runtime);
    return { before: runtime, after: runtime, isMoved };
  }
  const after = runtimeFor(context, { named });
  requireRuntime(after);
  const recorded = runtimeFor(context, { recorded: info.runtime });
  return { before: exists(recorded) ? recorded : after, after, isMoved: after !== recorded };
}

/** The deployment to build, `undefined` when it would be the one that there is. */
async function nextDeployment(
  context: Context,
  { container, current }: { container: Container; current: Deployment },
  { set, rebase, after, isMoved }: Runtimes & { set: Values; rebase?: string },
): Promise<PrepareRequest | undefined> {
  const { path, info } = current;
  const recorded = recordedValues(info);
  const hasNewValues = isMoved || Object.entries(set).some(([key, value]) => recorded[key] !== value);
  const { image, reference } = await chooseImage(context, current, { hasNewValues, rebase });
  if (!hasNewValues && image.id === info.revision) return undefined;
  const { UUID } = recorded;
  return {
    container,
    slot: slotOf(path) === 0 ? 1 : 0,
    image,
    reference,
    set: { ...(await keptValues(context, current)), ...set },
    kept: UUID === undefined ? {} : { UUID },
    runtime: after,
    ...systemPackageOf(context, current),
    labels: labelsIn(context, reference, image.id),
    remote: info.remote ? findRemoteRootfs(context, info.remote) : undefined,
    current,
  };
}

type ChosenImage = Pick<PrepareRequest, 'image' | 'reference'>;

async function chooseImage(
  context: Context,
  current: Deployment,
  { hasNewValues, rebase }: { hasNewValues: boolean; rebase: string | undefined },
): Promise<ChosenImage> {
  if (current.info.remote) return await imageOfRemote(context, current, { hasNewValues, rebase });
  if (rebase !== undefined) return await findOrPullImage(context, rebase);
  const reference = current.info.image;
  const image = findImage(context, reference);
  if (image === undefined)
    throw new NotFoundError(reference, `Image ${reference} not found`, {
      hint: `use 'atomic pull ${reference}'`,
    });
  return { image, reference };
}

/** A container without root file system of its own has the image that it had: its files are those of another one. */
async function imageOfRemote(
  context: Context,
  { name, info }: Deployment,
  { hasNewValues, rebase }: { hasNewValues: boolean; rebase: string | undefined },
): Promise<ChosenImage> {
  note(context, 'Updating a container with a remote rootfs. Only changes to config will be applied.');
  const isAsked = rebase !== undefined;
  const other = isAsked ? (await findOrPullImage(context, rebase)).image : findImage(context, info.image);
  const isOther = other !== undefined && other.id !== info.revision;
  if (isOther && (isAsked || !hasNewValues)) {
    throw new AtomicError(`cannot update '${name}' to another image: its rootfs is ${info.remote}`, {
      hint: 'update the container that owns the root file system, and this one follows; only --set changes this one',
    });
  }
  const image = { id: info.revision, commit: info['ostree-commit'], layers: [] };
  return { image, reference: info.image };
}

/** Host files get to the host as they did before. */
function systemPackageOf(
  context: Context,
  { info }: Deployment,
): Pick<PrepareRequest, 'systemPackage' | 'allowsScripts'> {
  const recorded = info['system-package'] ?? (info['rpm-installed'] ? 'yes' : 'no');
  const systemPackage = recorded === 'yes' ? 'yes' : 'no';
  // the Python tool installed every package with its scripts
  const allowsScripts = info['package-scripts'] ?? systemPackage === 'yes';
  return { systemPackage: context.user.isRoot ? systemPackage : 'absent', allowsScripts };
}

/** What the labels of an image say, if it is still in the store. */
function labelsIn(context: Context, reference: string, id: string): Labels {
  const image = findImage(context, reference);
  return image?.id === id ? labelsOf(context, image) : {};
}

async function keptValues(context: Context, { name, path, info }: Deployment): Promise<Values> {
  const rootfs = join(path, 'rootfs');
  const { manifest } = await readExports(rootfs, rootfs, info.image);
  return valuesSetByPerson(context, { name, info }, manifest.defaultValues);
}
