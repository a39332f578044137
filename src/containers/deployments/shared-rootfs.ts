/** Finds the root file system that a container shares: `install --rootfs PATH`. */
import { realpathSync } from 'node:fs';
import { join, relative } from 'node:path';
import { absolutePath, type Context } from '../../context.ts';
import { AtomicError, orUndefined } from '../../errors.ts';
import { exists, readLinkIfPresent } from '../../host/files/files.ts';
import { activePath, type Container, containerOf, slotOf } from './container.ts';
import { type Deployment, readDeployment } from './deployment.ts';
import { allFolders, readOrWarn } from './inventory.ts';
import { isContainerName, parseContainerName } from './name.ts';

/** The root file system of somebody else. */
export interface RemoteRootfs {
  /** What `info` records: the link of the other container, so that its updates are followed, or a directory. */
  readonly recorded: string;
  /** Where the link `rootfs` of a deployment points. */
  readonly link: string;
  /** The directory itself, without links: the runtime refuses others. */
  readonly folder: string;
  /** The container whose it is, if it is one's. */
  readonly base?: Container;
}

/**
 * Finds the root file system that `--rootfs PATH` means: that of a container's directory, or PATH itself. A container
 * that shares one itself stands for the one that has it.
 *
 * @throws AtomicError when there is none
 */
export function findRemoteRootfs(context: Context, path: string): RemoteRootfs {
  const typed = absolutePath(context, path);
  if (!isThere(typed))
    throw new AtomicError("The container's rootfs is set to remote, but the remote rootfs does not exist", {
      hint: `there is no ${typed}`,
    });
  const base = baseOf(context, realpathSync(typed));
  const further = base && orUndefined(() => readDeployment(base.name, activePath(base) ?? base.link));
  if (further?.info.remote) return findRemoteRootfs(context, further.info.remote);
  const recorded = base === undefined ? typed : base.link;
  const link = rootfsIn(recorded);
  if (link !== undefined)
    return { recorded, link, folder: realpathSync(link), ...(base === undefined ? {} : { base }) };
  throw new AtomicError('--remote was specified but the given location does not contain a rootfs', {
    hint: `--rootfs ${path}: expected a container's directory, or an unpacked root file system with a directory 'usr'`,
  });
}

/** Where the root file system is in a directory: in `rootfs`, or all of it; `undefined` when there is none. */
function rootfsIn(directory: string): string | undefined {
  if (isThere(join(directory, 'rootfs'))) return join(directory, 'rootfs');
  return isThere(join(directory, 'usr')) ? directory : undefined;
}

/**
 * The root file system that a container which shares that of `base` has with the deployment of `base` in `path`.
 *
 * @param remote what the record of the sharing container says
 * @throws AtomicError when there is none
 */
export function sharedRootfsIn(base: Container, path: string, remote: string): string {
  const beginning = placesOf(base).find((place) => isAtOrBelow(remote, place)) ?? remote;
  const link = rootfsIn(join(path, remote.slice(beginning.length)));
  if (link !== undefined) return realpathSync(link);
  throw new AtomicError(`there is no root file system in ${path}`);
}

const placesOf = ({ link, slots }: Container) => [link, ...slots];

function isAtOrBelow(path: string, place: string): boolean {
  return path === place || path.startsWith(`${place}/`);
}

/** Whether the path leads to something, links followed. */
function isThere(path: string): boolean {
  try {
    realpathSync(path);
    return true;
  } catch {
    return false;
  }
}

/** The container in one of whose slots the directory is. */
function baseOf(context: Context, folder: string): Container | undefined {
  const [first = ''] = relative(realpathOrSame(context.paths.checkouts), folder).split('/');
  if (first === '..' || slotOf(first) === undefined) return undefined;
  const name = first.slice(0, -2);
  return readLinkIfPresent(join(context.paths.checkouts, name)) === undefined
    ? undefined
    : containerOf(context, parseContainerName(name));
}

function realpathOrSame(path: string): string {
  return exists(path) ? realpathSync(path) : path;
}

/**
 * The containers that use the root file system of another one, directly or by way of one that shares it: those first
 * that others follow, otherwise sorted by name.
 */
export function dependantsOf(context: Context, base: Container): readonly Deployment[] {
  // their rootfs is a link: the records of all others need not be read
  const candidates = allFolders(context).filter(
    ([other, path]) => other !== base.name && readLinkIfPresent(join(path, 'rootfs')) !== undefined,
  );
  const sharing = candidates.flatMap((folder) => readOrWarn(context, folder));
  const found: Deployment[] = [];
  let places: readonly string[] = placesOf(base);
  while (places.length > 0) {
    const next = sharing.filter(
      (one) => !found.includes(one) && places.some((place) => isAtOrBelow(one.info.remote ?? '', place)),
    );
    found.push(...next);
    places = next.flatMap(({ name }) => (isContainerName(name) ? placesOf(containerOf(context, name)) : []));
  }
  return found;
}
