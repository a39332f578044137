/** From an image to a complete new deployment, built aside: nothing outside its folder is touched. */
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { type Context, shieldedFrom } from '../../context.ts';
import { faultPoint } from '../../faults.ts';
import { createFile, makeDirectory } from '../../host/files/files.ts';
import { removeTree } from '../../host/files/remove-tree.ts';
import { syncFileSystem } from '../../host/files/sync-file-system.ts';
import { probeRuntime, type RuntimeFeatures } from '../../host/runtime.ts';
import { checkoutImage } from '../../images/layers/checkout.ts';
import type { LocalImage } from '../../images/store/images.ts';
import { waitForAll } from '../../wait-for-all.ts';
import type { Container, Slot } from '../deployments/container.ts';
import { type Deployment, renderInfo } from '../deployments/deployment.ts';
import type { RemoteRootfs } from '../deployments/shared-rootfs.ts';
import { planHostFiles } from '../host-files/plan.ts';
import { type HostFile, readHostFiles } from '../host-files/read.ts';
import type { RecordedFiles } from '../host-files/record.ts';
import { hostFilesMirror, stageHostFiles } from '../host-files/stage.ts';
import { type Exports, readExports } from '../rendering/exports.ts';
import { renderTemplate, requireValues, type Template, type Values } from '../rendering/template.ts';
import { defaultUnit, execValues } from '../rendering/unit.ts';
import { pidFileOf, resolveValues } from '../rendering/values.ts';
import { type Rendering, writeConfig, writeTmpfiles, writeUnit } from './write-files.ts';

export interface PrepareRequest {
  readonly container: Container;
  readonly slot: Slot;
  readonly image: Pick<LocalImage, 'id' | 'commit' | 'layers'>;
  /** The reference that a later update looks up. */
  readonly reference: string;
  /** What the person set, now or earlier. */
  readonly set: Values;
  /** What stays as it was over updates, unless it is set: the UUID. */
  readonly kept: Values;
  readonly runtime: string;
  /** `no`, or, in user mode, `absent`: no files for the host. */
  readonly systemPackage: string;
  /** Absent: the deployment gets a root file system of its own. */
  readonly remote: RemoteRootfs | undefined;
  /** The deployment that this one is to take over from. */
  readonly current: Deployment | undefined;
}

/** Where a deployment is built, and where it belongs. */
export interface Place {
  readonly staging: string;
  /** NAME.0 or NAME.1. */
  readonly destination: string;
}

/**
 * Builds a deployment in a hidden folder beside its destination, and proves it: every variable has a value,
 * config.json is what the runtime will accept, the unit is rendered, the files for the host have their places. All of
 * it is on disk when this returns; when it throws, the folder is gone.
 *
 * @throws AtomicError for whatever is wrong with the image, the values, the host's files or the runtime
 */
export async function prepareDeployment(context: Context, request: PrepareRequest): Promise<void> {
  const place = {
    staging: request.container.staging(request.slot),
    destination: request.container.slots[request.slot],
  };
  context.report({ kind: 'extracting', path: place.destination });
  try {
    await mkdir(place.staging, { recursive: true });
    await faultPoint(context, 'prepare.begun');
    const [features] = await waitForAll([
      probeRuntime(context, request.runtime),
      makeRootfs(context, request, place),
    ]);
    await faultPoint(context, 'prepare.checked-out');
    await writeDeployment(context, { ...request, features }, place);
    await faultPoint(context, 'prepare.written');
    await syncFileSystem(context, place.staging);
    await faultPoint(context, 'prepare.synced');
  } catch (error) {
    await removeTree(shieldedFrom(context), place.staging);
    throw error;
  }
}

async function makeRootfs(context: Context, request: PrepareRequest, { staging }: Place): Promise<void> {
  const rootfs = join(staging, 'rootfs');
  if (request.remote !== undefined) return await symlink(request.remote.link, rootfs);
  await makeDirectory(rootfs);
  await checkoutImage(context, request.image, rootfs);
}

/** The request once the runtime has answered. */
interface Writing extends PrepareRequest {
  readonly features: RuntimeFeatures;
}

async function writeDeployment(context: Context, request: Writing, place: Place): Promise<void> {
  const rootfs = request.remote?.folder ?? join(place.staging, 'rootfs');
  const shownAs = request.remote?.folder ?? join(place.destination, 'rootfs');
  const exports = await readExports(rootfs, shownAs, request.reference);
  warnWithoutExports(context, exports, place.destination);
  const unitTemplate = exports.serviceTemplate ?? defaultUnit(context.user.isRoot);
  const values = await valuesFor(context, request, { exports, unitTemplate, destination: place.destination });
  const renames = renamesOf(exports, values);
  const files =
    request.systemPackage === 'absent'
      ? []
      : await readHostFiles(
          { rootfs, shownAs },
          { renames, templates: exports.manifest.installedFilesTemplate },
        );
  requireValues(templatesOf(exports, unitTemplate, files), values);

  const rendering: Rendering = { ...request, exports, values, unitTemplate, ...place };
  const sources = await writeConfig(context, rendering);
  if (!exports.manifest.noContainerService) await writeUnit(rendering);
  await writeTmpfiles(context, rendering, sources);
  stageHostFiles(files, values, hostFilesMirror(place.staging));
  const installed = await planHostFiles(context, {
    ...request,
    files,
    mirror: hostFilesMirror(place.staging),
  });
  const info = infoOf(request, { exports, values, renames, installed });
  // the values may hold secrets
  await createFile(join(place.staging, 'info'), renderInfo(info), 0o600);
  if (exports.manifest.noContainerService && request.remote === undefined)
    await removeTree(context, join(place.staging, 'rootfs'));
}

function warnWithoutExports(context: Context, exports: Exports, destination: string): void {
  if (exports.isPresent) return;
  const lines = [
    'Warning: /exports directory not found.  Default config files will be generated.',
    `Warning: You may want to modify \`${destination}/config.json\` before starting the service`,
  ];
  for (const text of lines) context.report({ kind: 'note', text });
}

async function valuesFor(
  context: Context,
  { container: { name }, set, kept, runtime, features, image, reference }: Writing,
  { exports, unitTemplate, destination }: { exports: Exports; unitTemplate: Template; destination: string },
): Promise<Values> {
  const pidFile = set.PIDFILE ?? pidFileOf(set.RUN_DIRECTORY ?? context.paths.run, name);
  const exec = execValues(unitTemplate, { name, runtime, features, isRoot: context.user.isRoot, pidFile });
  const facts = { name, destination, runtime, imageName: reference, imageId: image.id };
  const manifest = { ...exports.manifest.defaultValues, ...kept };
  return await resolveValues(context, facts, { manifest, set, exec });
}

/** The new paths of host files, filled in. */
function renamesOf({ manifest }: Exports, values: Values): Values {
  const templates = Object.entries(manifest.renameFiles).map(
    ([path, text]) => [path, { file: 'manifest.json', text }] as const,
  );
  requireValues(
    templates.map(([, template]) => template),
    values,
  );
  return Object.fromEntries(templates.map(([path, template]) => [path, renderTemplate(template, values)]));
}

function templatesOf(exports: Exports, unit: Template, files: readonly HostFile[]): readonly Template[] {
  const { configTemplate, config, tmpfilesTemplate, manifest } = exports;
  const candidates = [
    config === undefined ? configTemplate : undefined,
    manifest.noContainerService ? undefined : unit,
    tmpfilesTemplate,
    ...files.map(({ template }) => template),
  ];
  return candidates.filter((template) => template !== undefined);
}

interface Facts {
  readonly exports: Exports;
  readonly values: Values;
  readonly renames: Values;
  readonly installed: RecordedFiles;
}

function infoOf(
  request: PrepareRequest,
  { exports, values, renames, installed }: Facts,
): Record<string, unknown> {
  const { manifest } = exports;
  return {
    image: request.reference,
    revision: request.image.id,
    'ostree-commit': request.image.commit,
    created: Math.floor(Date.now() / 1000),
    values: { ...values, HOST_UID: Number(values.HOST_UID), HOST_GID: Number(values.HOST_GID) },
    'has-container-service': !manifest.noContainerService,
    ...installed,
    'installed-files-template': manifest.installedFilesTemplate,
    'rename-installed-files': renames,
    'rpm-installed': null,
    'system-package': request.systemPackage,
    remote: request.remote?.recorded ?? null,
    'use-links': manifest.useLinks,
    runtime: request.runtime,
    'set-values': Object.keys(request.set),
  };
}
