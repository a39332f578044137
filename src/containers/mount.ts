/** `atomic mount`: mounts the files of a container or an image on a directory, read-only. */
import { lstatSync, readdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { absolutePath, type Context } from '../context.ts';
import { AtomicError, isErrno, orUndefined, ToolError } from '../errors.ts';
import { faultPoint } from '../faults.ts';
import { makeDirectory } from '../host/files/files.ts';
import { removeTree } from '../host/files/remove-tree.ts';
import { bindReadOnly, mountView } from '../host/mount.ts';
import { checkoutImage } from '../images/layers/checkout.ts';
import { parseReference } from '../images/names/reference.ts';
import { findImage, type LocalImage } from '../images/store/images.ts';
import { containerOf, installedPath } from './deployments/container.ts';
import { readDeployment } from './deployments/deployment.ts';
import { isContainerName } from './deployments/name.ts';
import { findRemoteRootfs } from './deployments/shared-rootfs.ts';
import { hasDockerImage } from './docker/names.ts';
import { extractImage } from './mounts/copies.ts';
import { createMountDirectory, emptyOf, imageOf, lockMounts, type MountDirectory } from './mounts/record.ts';
import { abandonMount, sweepLocked } from './mounts/sweep.ts';

export interface MountRequest {
  /** Of a container, or else of an image. */
  readonly name: string;
  /** As typed; for an image it has to be empty. */
  readonly directory: string;
  /** Whether an image is to be mounted though Docker has one of that name, too. */
  readonly prefersOurs: boolean;
}

/** What is to be seen. */
type Mountable =
  | { readonly kind: 'container'; readonly rootfs: string }
  | { readonly kind: 'image'; readonly image: LocalImage };

/**
 * Mounts a container's or an image's files on a directory, read-only; an ordinary user gets copies of an image's files
 * there. Nothing that is written can reach the repository.
 *
 * @throws AtomicError when there is no such container, image or directory, or the directory cannot be used
 */
export async function mountOn(context: Context, request: MountRequest): Promise<void> {
  const target = findDirectory(context, request.directory);
  const subject = findMountable(context, request.name);
  if (subject.kind === 'image' && !request.prefersOurs) await requireUnambiguous(context, request.name);
  const { isRoot } = context.user;
  if (subject.kind === 'container' && !isRoot) throw new AtomicError('Need to be root to mount a container.');
  await using _lock = await lockMounts(context);
  await sweepLocked(context);
  if (subject.kind === 'image') requireEmpty(target);
  const directory = await createMountDirectory(context, { target, state: isRoot ? 'mounted' : 'extracting' });
  try {
    await faultPoint(context, 'mount.begun');
    await show(context, subject, { directory, target });
    await faultPoint(context, 'mount.done');
  } catch (error) {
    await abandonMount(context, directory);
    throw error;
  }
}

/** compat: the words of Python's errors. */
function findDirectory(context: Context, typed: string): string {
  try {
    const path = realpathSync(absolutePath(context, typed));
    if (lstatSync(path).isDirectory()) return path;
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'ENOTDIR')) throw error;
    throw new AtomicError(`[Errno 2] No such file or directory: '${typed}'`, { cause: error });
  }
  throw new AtomicError(`[Errno 20] Not a directory: '${typed}'`);
}

async function requireUnambiguous(context: Context, name: string): Promise<void> {
  if (await hasDockerImage(context, withoutPrefix(name)))
    throw new AtomicError(`Found more than one Image with name ${name}; please specify with --storage.`);
}

function requireEmpty(directory: string): void {
  if (readdirSync(directory).length > 0) throw new AtomicError('The destination path is not empty.');
}

function findMountable(context: Context, name: string): Mountable {
  const rootfs = containerRootfs(context, withoutPrefix(name));
  if (rootfs !== undefined) return { kind: 'container', rootfs };
  const image = findImage(context, name);
  if (image !== undefined) return { kind: 'image', image };
  throw new AtomicError(`Could not mount ${name}`, {
    hint: "there is no such container or image; see 'atomic containers list -a' and 'atomic images list'",
  });
}

/** compat: a container wins, whatever prefix an image's name would have. */
function withoutPrefix(text: string): string {
  const reference = orUndefined(() => parseReference(text));
  const isName = reference !== undefined && ['registry', 'insecure', 'docker'].includes(reference.transport);
  return isName ? reference.name : text;
}

/** The root file system of an installed container: its own, or the one that it was installed with. */
function containerRootfs(context: Context, name: string): string | undefined {
  if (!isContainerName(name)) return undefined;
  const path = installedPath(containerOf(context, name));
  if (path === undefined) return undefined;
  const { remote } = readDeployment(name, path).info;
  if (remote) return findRemoteRootfs(context, remote).folder;
  const rootfs = join(path, 'rootfs');
  if (lstatSync(rootfs, { throwIfNoEntry: false })?.isDirectory()) return rootfs;
  throw new AtomicError(`cannot mount '${name}': ${rootfs} is not a directory`);
}

interface MountPlace {
  readonly directory: MountDirectory;
  readonly target: string;
}

async function show(context: Context, subject: Mountable, place: MountPlace): Promise<void> {
  const { directory, target } = place;
  if (subject.kind === 'container')
    return await mountView(context, viewOf(directory, subject.rootfs), target);
  if (context.user.isRoot) return await showImage(context, subject.image, place);
  context.report({ kind: 'extracting', path: target });
  await extractImage(context, subject.image, directory, target);
}

/** Where the kernel has no overlay for us, the files are copies. */
async function showImage(
  context: Context,
  image: LocalImage,
  { directory, target }: MountPlace,
): Promise<void> {
  const source = imageOf(directory);
  await checkoutImage(context, image, source);
  await faultPoint(context, 'mount.extracted');
  try {
    await mountView(context, viewOf(directory, source), target);
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    context.log.debug({ error: error.message }, 'overlay is not available');
    context.report({ kind: 'extracting', path: target });
    await removeTree(context, source);
    await makeDirectory(source);
    await checkoutImage(context, image, source, { isWritable: true });
    await bindReadOnly(context, source, target);
  }
}

function viewOf(directory: MountDirectory, lower: string) {
  return { lower, empty: emptyOf(directory), label: directory.label };
}
