/** Finds the root file system that a container shares: `install --rootfs PATH`. */
import { realpathSync } from 'node:fs';
import { join, relative } from 'node:path';
import { absolutePath, type Context } from '../../context.ts';
import { AtomicError } from '../../errors.ts';
import { exists, readLinkIfPresent } from '../../host/files/files.ts';
import { type Container, containerOf, slotOf } from './container.ts';
import type { Deployment } from './deployment.ts';
import { allFolders, readOrWarn } from './inventory.ts';
import { parseContainerName } from './name.ts';

/** The root file system of somebody else. */
export interface RemoteRootfs {
  /** What `info` records: the link of the other container, so that its updates are followed, or a folder. */
  readonly recorded: string;
  /** Where the link `rootfs` of a deployment points. */
  readonly link: string;
  /** The folder itself, without links: the runtime refuses others. */
  readonly folder: string;
}

/**
 * Finds the root file system that `--rootfs PATH` means: that of a container's folder, or PATH itself.
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
  const recorded = base === undefined ? typed : base.link;
  if (isThere(join(recorded, 'rootfs'))) {
    const link = join(recorded, 'rootfs');
    return { recorded, link, folder: realpathSync(link) };
  }
  if (isThere(join(recorded, 'usr'))) return { recorded, link: recorded, folder: realpathSync(recorded) };
  throw new AtomicError('--remote was specified but the given location does not contain a rootfs', {
    hint: `--rootfs ${path}: expected a container's folder, or an unpacked root file system with a folder 'usr'`,
  });
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

/** The container in one of whose slots `folder` is. */
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

/** The containers that use the root file system of another one. */
export function dependantsOf(context: Context, { name, link, slots }: Container): readonly Deployment[] {
  const isBelow = (path: string) =>
    [link, ...slots].some((own) => path === own || path.startsWith(`${own}/`));
  // their rootfs is a link: the records of all others need not be read
  const candidates = allFolders(context).filter(
    ([other, path]) => other !== name && readLinkIfPresent(join(path, 'rootfs')) !== undefined,
  );
  return candidates
    .flatMap((folder) => readOrWarn(context, folder))
    .filter(({ info }) => info.remote && isBelow(info.remote));
}
