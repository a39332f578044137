/** From an image to a complete new deployment, built aside: nothing outside its folder is touched. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context } from '../context.ts';
import { AtomicError } from '../errors.ts';
import { createFile, readIfPresent } from '../host/files.ts';
import { probeRuntime, type RuntimeFeatures, writeDefaultConfig } from '../host/runtime.ts';
import { syncFileSystem } from '../host/sync.ts';
import { checkoutImage } from '../images/checkout.ts';
import type { LocalImage } from '../images/store.ts';
import { together } from '../together.ts';
import { containerPaths, renderInfo, type Slot, tmpfilesCopy, unitCopy } from './deployment.ts';
import { type Exports, readExports } from './exports.ts';
import type { ContainerName } from './name.ts';
import { bindSources, completeDefaultConfig, parseOciConfig, requireSystemContainer } from './oci-config.ts';
import { renderTemplate, requireValues, type Template, type Values } from './template.ts';
import { generateTmpfiles } from './tmpfiles.ts';
import { stagingPath } from './transaction.ts';
import { completeUnit, defaultUnit, execValues } from './unit.ts';
import { pidFileOf, resolveValues } from './values.ts';

export interface PrepareRequest {
  readonly name: ContainerName;
  readonly slot: Slot;
  readonly image: LocalImage;
  /** The reference that a later update looks up. */
  readonly reference: string;
  /** What the person set. */
  readonly set: Values;
  readonly runtime: string;
}

/** The request once the runtime has answered. */
interface Writing extends PrepareRequest {
  readonly features: RuntimeFeatures;
}

/** A deployment that is complete but for its name. */
export interface Prepared {
  /** Where it was built. */
  readonly staging: string;
  /** Where it belongs: NAME.0 or NAME.1. */
  readonly destination: string;
}

/**
 * Builds the deployment of an image in a hidden folder beside its destination, and proves it: every variable has a
 * value, config.json is what the runtime will accept, the unit is rendered. All of it is on disk when this returns;
 * when it throws, the folder is gone.
 *
 * @throws AtomicError for whatever is wrong with the image, the values or the runtime
 */
export async function prepareDeployment(context: Context, request: PrepareRequest): Promise<Prepared> {
  const staging = stagingPath(context, request.name, request.slot);
  const destination = containerPaths(context, request.name).slots[request.slot];
  await rm(staging, { recursive: true, force: true });
  context.report({ kind: 'extracting', path: destination });
  try {
    const rootfs = join(staging, 'rootfs');
    await mkdir(rootfs, { recursive: true });
    const [features] = await together([
      probeRuntime(context, request.runtime),
      checkoutImage(context, request.image, rootfs),
    ]);
    await writeDeployment(context, { ...request, features }, { staging, destination });
    await syncFileSystem(context, staging);
  } catch (error) {
    await rm(staging, { recursive: true, force: true });
    throw error;
  }
  return { staging, destination };
}

async function writeDeployment(context: Context, request: Writing, prepared: Prepared): Promise<void> {
  const { staging, destination } = prepared;
  const shownAs = join(destination, 'rootfs');
  const exports = await readExports(join(staging, 'rootfs'), shownAs, request.reference);
  warnWithoutExports(context, exports, destination);
  requireSupported(exports, request.reference);
  const unitTemplate = exports.serviceTemplate ?? defaultUnit(context.user.isRoot);
  const values = await valuesFor(context, request, { exports, unitTemplate, destination });
  requireValues(templatesOf(exports, unitTemplate), values);

  const config = await writeConfig(context, request, { exports, values, ...prepared });
  const unit = completeUnit(renderTemplate(unitTemplate, values), request);
  await createFile(unitCopy(staging, request.name), unit);
  const tmpfiles = tmpfilesText(context, request.name, { exports, values, config });
  if (tmpfiles !== undefined) await createFile(tmpfilesCopy(staging, request.name), tmpfiles);
  // the values may hold secrets (D63)
  await createFile(join(staging, 'info'), renderInfo(infoOf(request, exports, values)), 0o600);
}

function warnWithoutExports(context: Context, exports: Exports, destination: string): void {
  if (exports.isPresent) return;
  const lines = [
    'Warning: /exports directory not found.  Default config files will be generated.',
    `Warning: You may want to modify \`${destination}/config.json\` before starting the service`,
  ];
  for (const text of lines) context.report({ kind: 'note', text });
}

/** Rather refuse an image than install a part of it. */
function requireSupported(exports: Exports, image: string): void {
  if (!exports.hasHostFiles && !exports.manifest.noContainerService) return;
  const what = exports.hasHostFiles
    ? 'files for the host (/exports/hostfs)'
    : 'no service (noContainerService)';
  throw new AtomicError(`cannot install ${image}: it has ${what}, which is not available in this build`);
}

function templatesOf(exports: Exports, unit: Template): readonly Template[] {
  const { configTemplate, config, tmpfilesTemplate } = exports;
  const candidates = [config === undefined ? configTemplate : undefined, unit, tmpfilesTemplate];
  return candidates.filter((template) => template !== undefined);
}

async function valuesFor(
  context: Context,
  { name, set, runtime, features, image, reference }: Writing,
  { exports, unitTemplate, destination }: { exports: Exports; unitTemplate: Template; destination: string },
): Promise<Values> {
  const pidFile = set.PIDFILE ?? pidFileOf(set.RUN_DIRECTORY ?? context.paths.run, name);
  const exec = execValues(unitTemplate, { name, runtime, features, isRoot: context.user.isRoot, pidFile });
  const facts = { name, destination, runtime, imageName: reference, imageId: image.id };
  return await resolveValues(context, facts, { manifest: exports.manifest.defaultValues, set, exec });
}

interface Rendering extends Prepared {
  readonly exports: Exports;
  readonly values: Values;
}

/** Writes config.json from the image's own, its template, or the runtime's default; returns its bind sources. */
async function writeConfig(
  context: Context,
  { runtime }: PrepareRequest,
  { exports, values, staging, destination }: Rendering,
): Promise<readonly string[]> {
  const shownAs = join(destination, 'config.json');
  const text =
    exports.config ??
    (exports.configTemplate && renderTemplate(exports.configTemplate, values)) ??
    (await defaultConfig(context, runtime, staging));
  const config = parseOciConfig(text, shownAs);
  requireSystemContainer(config, shownAs);
  await createFile(join(staging, 'config.json'), text);
  return bindSources(config, shownAs);
}

/** What the runtime itself proposes, made to fit. */
async function defaultConfig(context: Context, runtime: string, staging: string): Promise<string> {
  const file = join(staging, 'config.json');
  await writeDefaultConfig(context, runtime, staging);
  const proposed = readIfPresent(file);
  if (proposed === undefined)
    throw new AtomicError(`${runtime} wrote no default config.json; the image has none either`);
  await rm(file);
  return completeDefaultConfig(proposed, file);
}

function tmpfilesText(
  context: Context,
  name: string,
  { exports, values, config }: { exports: Exports; values: Values; config: readonly string[] },
): string | undefined {
  if (exports.tmpfilesTemplate !== undefined) return renderTemplate(exports.tmpfilesTemplate, values);
  const ownFolder = join(values.RUN_DIRECTORY ?? context.paths.run, name);
  return generateTmpfiles(config, { user: context.user, ownFolder });
}

function infoOf(request: PrepareRequest, exports: Exports, values: Values): Record<string, unknown> {
  const { manifest } = exports;
  return {
    image: request.reference,
    revision: request.image.id,
    'ostree-commit': request.image.commit,
    created: Math.floor(Date.now() / 1000),
    values: { ...values, HOST_UID: Number(values.HOST_UID), HOST_GID: Number(values.HOST_GID) },
    'has-container-service': true,
    'installed-files': [],
    'installed-files-checksum': {},
    'installed-files-template': manifest.installedFilesTemplate,
    'rename-installed-files': manifest.renameFiles,
    'rpm-installed': null,
    'system-package': 'no',
    remote: null,
    'use-links': manifest.useLinks,
    runtime: request.runtime,
    'set-values': Object.keys(request.set),
  };
}
