/** Checks an image out into a root file system. */
import { lstat, readdir, rename, rm, rmdir, unlink } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Context } from '../../context.ts';
import { AtomicError, isErrno, ToolError } from '../../errors.ts';
import { setDirectoryAttributes } from '../../host/files/directory-attributes.ts';
import { removeTree } from '../../host/files/remove-tree.ts';
import { checkoutFolder, checkoutUnion } from '../../host/ostree/program.ts';
import { resolveRef } from '../../host/ostree/refs.ts';
import { readCommit, readFolder } from '../../host/ostree/repository.ts';
import { labelAsRoot } from '../../host/selinux.ts';
import { blobRef } from '../names/refs.ts';
import type { LocalImage } from '../store/images.ts';
import { correctionsFor } from './directories.ts';
import { cutAtHiddenFiles } from './layer-tree.ts';

/**
 * Merges the layers of an image into `folder`, which has to exist, on the file system of the repository: with one
 * process, however many layers there are, unless one has a folder in the place of a file. `folder` gets the SELinux
 * label of `/`.
 *
 * @throws AtomicError when a layer is missing, or the repository is on another file system
 */
export async function checkoutImage(
  context: Context,
  image: LayeredImage,
  folder: string,
  { isWritable = false } = {},
): Promise<void> {
  const { repository } = context.paths;
  const listFile = `${folder}.layers`;
  const commits = layerCommits(context, image);
  const layers = commits.map((commit) => ({ commit, tree: readCommit(repository, commit).tree }));
  for (const [index, run] of cutAtHiddenFiles(repository, layers).entries()) {
    // ostree(1) would follow a link that is where a folder is to be, out of the image
    if (index > 0) await removeHidden(repository, run[0]?.tree ?? '', folder);
    const refs = run.map(({ commit }) => commit);
    const place = linkable(context, folder);
    const checkout = checkoutUnion(context, repository, { refs, folder: place, listFile, isWritable });
    await checkout.catch((error: unknown) => {
      throw isAcrossFileSystems(error) ? twoFileSystems(context, error) : error;
    });
  }
  await rm(listFile);
  await correctDirectories(context, commits, folder);
  await labelAsRoot(context, folder);
}

/** What ostree(1) says of directories on two devices, or of two mounts of one. */
function isAcrossFileSystems(error: unknown): boolean {
  return error instanceof ToolError && /across devices|cross-device/i.test(error.failure.stderr);
}

function twoFileSystems({ paths }: Context, cause: unknown): AtomicError {
  const places = `the repository ${paths.repository} is on another file system than ${paths.checkouts}`;
  return new AtomicError(`cannot unpack the image: ${places}`, {
    hint: 'files of containers are hard links into it: choose another ostree_repository, or another checkout_path',
    cause,
  });
}

/** ostree(1) gives a directory the attributes of the lowest layer that has it, and none to the root. */
async function correctDirectories(context: Context, commits: readonly string[], root: string): Promise<void> {
  const { paths, user } = context;
  for (const { path, commit, attributes, hasOtherXattrs } of correctionsFor(paths.repository, commits)) {
    // an ordinary user's containers have one owner, and no attributes
    if (hasOtherXattrs && user.isRoot) await remake(context, { commit, path, root });
    const own = { uid: user.uid, gid: user.gid, mode: attributes.mode | 0o700 };
    setDirectoryAttributes(root, path, user.isRoot ? attributes : own);
  }
}

/** Replaces a directory by one with all attributes of that of a layer: only ostree(1) can set them. */
async function remake(
  context: Context,
  { commit, path, root }: { commit: string; path: string; root: string },
): Promise<void> {
  const old = join(root, path);
  const folder = `${root}.directory`;
  await checkoutFolder(context, context.paths.repository, {
    commit,
    path,
    folder: linkable(context, folder),
  });
  for (const name of await readdir(folder)) await removeTree(context, join(folder, name));
  for (const name of await readdir(old)) await rename(join(old, name), join(folder, name));
  await rmdir(old);
  await rename(folder, old);
}

/** The path of a directory in which hard links to objects of the repository can be made. */
function linkable({ paths }: Context, path: string): string {
  const inner = relative(paths.checkouts, path);
  return inner.startsWith('../') ? path : join(paths.linkable, inner);
}

/** What of an image a checkout needs. */
export type LayeredImage = Pick<LocalImage, 'commit' | 'layers'>;

/**
 * The commits whose trees, laid over one another, are the image, base first.
 *
 * @throws AtomicError when a layer is missing
 */
export function layerCommits({ paths }: Context, { layers, commit }: LayeredImage): readonly string[] {
  // compat: what has no manifest is its own and only layer
  return layers.length > 0 ? layers.map((hex) => commitOf(paths.repository, hex)) : [commit];
}

function commitOf(repository: string, hex: string): string {
  const commit = resolveRef(repository, blobRef(hex));
  if (commit !== undefined) return commit;
  throw new AtomicError(`Layer not found: ${hex}.  Please pull the image again`);
}

/** Removes what is in the place of a layer's folders and is none, be it a link to one. */
async function removeHidden(repository: string, tree: string, path: string): Promise<void> {
  for (const [name, folder] of readFolder(repository, tree).folders) {
    const target = join(path, name);
    const isFolder = await isFolderIfPresent(target);
    if (isFolder === true) await removeHidden(repository, folder.tree, target);
    else if (isFolder === false) await unlink(target);
  }
}

async function isFolderIfPresent(path: string): Promise<boolean | undefined> {
  try {
    return (await lstat(path)).isDirectory();
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}
