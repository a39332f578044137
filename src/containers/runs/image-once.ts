/** Runs an image once; its root file system is discarded afterwards. */
import { basename, join } from 'node:path';
import { type Context, shieldedFrom } from '../../context.ts';
import { AtomicError } from '../../errors.ts';
import { copyDirectoryAttributes } from '../../host/files/directory-attributes.ts';
import { createFile, exists, makeDirectory } from '../../host/files/files.ts';
import { type BeforeRemoval, temporaryFolder } from '../../host/files/temporary-folder.ts';
import { guardContainer } from '../../host/guard.ts';
import { mountOverlay, mountsBelow, unmountLazily } from '../../host/mount.ts';
import { deleteContainer, probeRuntime, type RuntimeFeatures, runBundle } from '../../host/runtime.ts';
import { createTmpfiles, removeTmpfiles } from '../../host/tmpfiles.ts';
import { checkoutImage } from '../../images/layers/checkout.ts';
import type { LocalImage } from '../../images/store/images.ts';
import { defaultConfig } from '../preparation/write-files.ts';
import { type Exports, readExports } from '../rendering/exports.ts';
import { singleRunConfig } from '../rendering/oci-config.ts';
import { renderTemplate, requireValues, type Values } from '../rendering/template.ts';
import { execValues } from '../rendering/unit.ts';
import { pidFileOf, resolveValues } from '../rendering/values.ts';

export interface OnceRequest {
  readonly image: LocalImage;
  readonly reference: string;
  /** `$NAME` of templates; absent: one that belongs to this run. */
  readonly name?: string;
  readonly set: Values;
  readonly runtime: string;
  /** Empty: the command of the image's configuration. */
  readonly command: readonly string[];
  readonly stdinIsTty: boolean;
}

/** What the folder of a run holds. */
interface Layout {
  readonly folder: string;
  readonly id: string;
  readonly lower: string;
  readonly rootfs: string;
}

/**
 * Runs an image in the foreground, with our standard streams; what it writes to its root file system goes away with it.
 *
 * @returns the exit status of the container
 * @throws AtomicError for whatever is wrong with the image or the values
 */
export async function runImageOnce(context: Context, request: OnceRequest): Promise<number> {
  const { runtime } = request;
  const { checkouts } = context.paths;
  await using temporary = await temporaryFolder(context, checkouts, 'run-once', endOf(context, runtime));
  const layout = layoutOf(temporary.path);
  const { id, folder, rootfs } = layout;
  const tmpfiles = tmpfilesOf(folder);
  using _guard = guardContainer(context, { runtime, id, folder, tmpfiles, mountPoint: rootfs });
  const features = await probeRuntime(context, runtime);
  await makeRootfs(context, request.image, layout);
  const exports = await readExports(layout.rootfs, layout.rootfs, request.reference);
  const name = request.name ?? `run-once-${process.pid}`;
  const values = await valuesFor(context, { ...request, name, features }, { exports, layout });
  const config = await configText(context, request, { exports, values, layout });
  await createFile(join(folder, 'config.json'), config, 0o600);
  if (exports.tmpfilesTemplate !== undefined) {
    await createFile(tmpfiles, renderTemplate(exports.tmpfilesTemplate, values));
    await createTmpfiles(context, tmpfiles);
  }
  const isSystemd = context.user.isRoot && features.systemdCgroup;
  return await runBundle(context, runtime, { id, folder, isSystemd });
}

function layoutOf(folder: string): Layout {
  const [lower, rootfs] = [join(folder, 'image'), join(folder, 'rootfs')];
  return { folder, id: basename(folder).slice(1), lower, rootfs };
}

const tmpfilesOf = (folder: string) => join(folder, 'tmpfiles.conf');

/** An overlay keeps what is written away from the repository; where there is none, the files are copies. */
async function makeRootfs(context: Context, image: LocalImage, layout: Layout): Promise<void> {
  const [upper, work] = [join(layout.folder, 'upperdir'), join(layout.folder, 'workdir')];
  for (const folder of [layout.lower, layout.rootfs, upper, work]) await makeDirectory(folder);
  if (context.user.isRoot) {
    await checkoutImage(context, image, layout.lower);
    // the root of an overlay is what its upper directory is
    copyDirectoryAttributes(layout.lower, upper);
    if (await hasOverlay(context, { ...layout, upper, work })) return;
  }
  await checkoutImage(context, image, layout.rootfs, { isWritable: true });
}

async function hasOverlay(
  context: Context,
  { lower, upper, work, rootfs }: Layout & { upper: string; work: string },
): Promise<boolean> {
  try {
    await mountOverlay(context, { lower, upper, work }, rootfs);
    return true;
  } catch (error) {
    if (!(error instanceof AtomicError)) throw error;
    context.log.debug({ error: error.message }, 'no overlay here');
    return false;
  }
}

async function valuesFor(
  context: Context,
  request: OnceRequest & { name: string; features: RuntimeFeatures },
  { exports, layout }: { exports: Exports; layout: Layout },
): Promise<Values> {
  const { name, runtime, features, image, reference, set } = request;
  const pidFile = pidFileOf(context.paths.run, name);
  const noUnit = { file: 'service.template', text: '' };
  const exec = execValues(noUnit, { name, runtime, features, isRoot: context.user.isRoot, pidFile });
  const facts = { name, destination: layout.folder, runtime, imageName: reference, imageId: image.id };
  const values = await resolveValues(context, facts, { manifest: exports.manifest.defaultValues, set, exec });
  const { config, configTemplate, tmpfilesTemplate } = exports;
  const templates = [config === undefined ? configTemplate : undefined, tmpfilesTemplate];
  requireValues(
    templates.filter((template) => template !== undefined),
    values,
  );
  return values;
}

async function configText(
  context: Context,
  { runtime, command, stdinIsTty }: OnceRequest,
  { exports, values, layout }: { exports: Exports; values: Values; layout: Layout },
): Promise<string> {
  const file = join(layout.folder, 'config.json');
  const own = exports.config ?? (exports.configTemplate && renderTemplate(exports.configTemplate, values));
  const text = own ?? (await defaultConfig(context, runtime, layout.folder));
  return singleRunConfig(text, file, { rootPath: 'rootfs', command, stdinIsTty });
}

/** Takes away what a run has made outside its folder: the container, the files of its tmpfiles.d file, the mount. */
function endOf(context: Context, runtime: string): BeforeRemoval {
  return async (folder) => {
    const shielded = shieldedFrom(context);
    const { id, rootfs } = layoutOf(folder);
    await deleteContainer(shielded, runtime, id);
    if (exists(tmpfilesOf(folder))) await removeTmpfiles(shielded, tmpfilesOf(folder));
    if (mountsBelow(rootfs).length > 0) await unmountLazily(shielded, rootfs);
  };
}
