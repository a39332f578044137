/** Runs an image once: its root file system, with whatever is written to it, is discarded afterwards. */
import { basename, join } from 'node:path';
import { type Context, shieldedFrom } from '../../context.ts';
import { AtomicError } from '../../errors.ts';
import { copyDirectoryAttributes } from '../../host/files/directory-attributes.ts';
import { createFile, exists, makeDirectory } from '../../host/files/files.ts';
import { type BeforeRemoval, temporaryFolder } from '../../host/files/temporary-folder.ts';
import { mountOverlay, mountsBelow, unmountLazily } from '../../host/mount.ts';
import { guardContainer } from '../../host/runtime/guard.ts';
import {
  deleteContainer,
  probeRuntime,
  type RuntimeFeatures,
  runBundle,
} from '../../host/runtime/runtime.ts';
import { createTmpfiles, removeTmpfiles } from '../../host/tmpfiles.ts';
import { checkoutImage, type LayeredImage } from '../../images/layers/checkout.ts';
import { openToRootOf } from '../../images/store/passage.ts';
import { makeCheckouts } from '../../images/store/places.ts';
import { renderConfig } from '../rendering/config.ts';
import { readExports } from '../rendering/exports.ts';
import { configMaterial, type Instance, templatesOf, valuesFor } from '../rendering/material.ts';

import { singleRunConfig } from '../rendering/oci-config.ts';
import { renderTemplate, requireValues } from '../rendering/template.ts';
import { tmpfilesForUser } from '../rendering/user-unit.ts';

export interface OnceRequest extends Instance {
  readonly image: LayeredImage & { readonly id: string };
  /** `$NAME` of templates; absent: one that belongs to this run. */
  readonly name?: string;
  /** Empty: the command of the image's configuration. */
  readonly command: readonly string[];
  readonly stdinIsTty: boolean;
}

/** What the directory of a run holds. */
interface RunDirectory {
  readonly folder: string;
  readonly id: string;
  readonly lower: string;
  readonly rootfs: string;
  /** The image's tmpfiles.d file; it need not exist. */
  readonly tmpfiles: string;
}

/**
 * Runs an image in the foreground, with our standard streams.
 *
 * @returns the exit status of the container
 * @throws AtomicError for whatever is wrong with the image or the values
 */
export async function runImageOnce(context: Context, request: OnceRequest): Promise<number> {
  const { runtime } = request;
  const { checkouts } = context.paths;
  await makeCheckouts(context);
  await using temporary = await temporaryFolder(context, checkouts, 'run-once', endOf(context, runtime));
  const directory = runDirectory(temporary.path);
  const { id, folder, tmpfiles, rootfs } = directory;
  using _guard = await guardContainer(context, { runtime, id, folder, tmpfiles, mountPoint: rootfs });
  const features = await probeRuntime(context, runtime);
  await makeRootfs(context, request.image, directory);
  await writeBundle(context, { ...request, features }, directory);
  const isSystemd = context.user.isRoot && features.systemdCgroup;
  return await runBundle(context, runtime, { id, folder, isSystemd });
}

function runDirectory(folder: string): RunDirectory {
  const [lower, rootfs] = [join(folder, 'image'), join(folder, 'rootfs')];
  return { folder, id: basename(folder).slice(1), lower, rootfs, tmpfiles: join(folder, 'tmpfiles.conf') };
}

/** An overlay keeps what is written away from the repository; where there is none, the files are copies. */
async function makeRootfs(context: Context, image: LayeredImage, directory: RunDirectory): Promise<void> {
  const [upper, work] = [join(directory.folder, 'upperdir'), join(directory.folder, 'workdir')];
  for (const path of [directory.lower, directory.rootfs, upper, work]) await makeDirectory(path);
  if (context.user.isRoot) {
    await checkoutImage(context, image, directory.lower);
    // the root of an overlay is what its upper directory is
    copyDirectoryAttributes(directory.lower, upper);
    if (await hasOverlay(context, { ...directory, upper, work })) return;
  }
  await checkoutImage(context, image, directory.rootfs, { isWritable: true });
}

async function hasOverlay(
  context: Context,
  { lower, upper, work, rootfs }: RunDirectory & { upper: string; work: string },
): Promise<boolean> {
  try {
    await mountOverlay(context, { lower, upper, work }, rootfs);
    return true;
  } catch (error) {
    if (!(error instanceof AtomicError)) throw error;
    context.log.debug({ error: error.message }, 'overlay is not available');
    return false;
  }
}

/** Writes config.json, and carries out the image's tmpfiles.d file. */
async function writeBundle(
  context: Context,
  request: OnceRequest & { readonly features: RuntimeFeatures },
  { folder, rootfs, tmpfiles }: RunDirectory,
): Promise<void> {
  const { command, stdinIsTty, runtime } = request;
  const exports = await readExports(rootfs, rootfs, request.reference);
  const name = request.name ?? `run-once-${process.pid}`;
  const unit = { file: 'service.template', text: '' };
  const values = await valuesFor(context, request, { ...request, name, exports, unit, destination: folder });
  requireValues(templatesOf(exports), values);
  const material = await configMaterial(context, { exports, runtime, scratch: folder });
  const file = join(folder, 'config.json');
  const { text, changes } = renderConfig(material, values, { file });
  // not for the person: standard output belongs to the container
  if (changes.length > 0) context.log.debug({ changes }, 'adapted config.json');
  const single = singleRunConfig(text, file, { rootPath: 'rootfs', command, stdinIsTty });
  await createFile(file, single, 0o600);
  openToRootOf(context, folder, single);
  if (exports.tmpfilesTemplate === undefined) return;
  const listed = renderTemplate(exports.tmpfilesTemplate, values);
  await createFile(tmpfiles, context.user.isRoot ? listed : tmpfilesForUser(listed), 0o600);
  await createTmpfiles(context, tmpfiles);
}

/** Removes what a run has made outside its directory: the container, the files of its tmpfiles.d file, the mount. */
function endOf(context: Context, runtime: string): BeforeRemoval {
  return async (folder) => {
    const shielded = shieldedFrom(context);
    const { id, rootfs, tmpfiles } = runDirectory(folder);
    await deleteContainer(shielded, runtime, id);
    if (exists(tmpfiles)) await removeTmpfiles(shielded, tmpfiles);
    if (mountsBelow(rootfs).length > 0) await unmountLazily(shielded, rootfs);
  };
}
