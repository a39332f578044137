/** Builds a complete new deployment from an image in a staging directory, without changing the host. */
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { type Context, shieldedFrom } from '../../context.ts';
import { note } from '../../events.ts';
import { faultPoint } from '../../faults.ts';
import { makeDirectory, readIfPresent } from '../../host/files/files.ts';
import { removeTree } from '../../host/files/remove-tree.ts';
import { syncFileSystem } from '../../host/files/sync-file-system.ts';
import { probeRuntime, type RuntimeFeatures } from '../../host/runtime/runtime.ts';
import { checkoutImage } from '../../images/layers/checkout.ts';
import { makeCheckouts } from '../../images/store/places.ts';
import { waitForAll } from '../../wait-for-all.ts';
import { tmpfilesCopy } from '../deployments/container.ts';
import type { Deployment } from '../deployments/deployment.ts';
import { planHostFiles } from '../host-files/plan.ts';
import { type HostFile, readHostFiles } from '../host-files/read.ts';
import { hostFilesMirror, stageHostFiles } from '../host-files/stage.ts';
import { type Exports, readExports } from '../rendering/exports.ts';
import { configMaterial, templatesOf, valuesFor } from '../rendering/material.ts';
import { renderTemplate, requireValues, type Template, type Values } from '../rendering/template.ts';
import { isMadeAtBoot } from '../rendering/tmpfiles.ts';
import { defaultUnit } from '../rendering/unit.ts';
import { planDelivery, prepareDelivery } from './delivery.ts';
import {
  type DeploymentFacts,
  type DeploymentPlan,
  type DeploymentRequest,
  destinationOf,
  planDeployment,
} from './plan.ts';
import { writeDeployment } from './write.ts';

export interface PrepareRequest extends DeploymentRequest {
  /** What stays as it was over updates, unless it is set: the UUID. */
  readonly kept: Values;
  /** The deployment that this one is to take over from. */
  readonly current: Deployment | undefined;
}

/**
 * Builds a deployment in a hidden directory beside its destination, and proves it: every variable has a value,
 * config.json is what the runtime will accept, the unit is rendered, the host files, or the package that brings them,
 * have their places. All of it is on disk when this returns; when it throws, the directory is gone.
 *
 * @returns what has been written
 * @throws AtomicError for whatever is wrong with the image, the values, the host's files or the runtime
 */
export async function prepareDeployment(context: Context, request: PrepareRequest): Promise<DeploymentPlan> {
  const staging = request.container.staging(request.slot);
  return await built(context, request, async (plan) => {
    await writeDeployment(context, plan, { name: request.container.name, staging });
    await faultPoint(context, 'prepare.written');
    await syncFileSystem(context, staging);
    await faultPoint(context, 'prepare.synced');
  });
}

/**
 * What {@link prepareDeployment} would write, for `--display`: nothing of it is left when this returns.
 *
 * @throws AtomicError as `prepareDeployment` does
 */
export async function previewDeployment(context: Context, request: PrepareRequest): Promise<DeploymentPlan> {
  const plan = await built(context, request, async () => undefined);
  await removeTree(shieldedFrom(context), request.container.staging(request.slot));
  return plan;
}

/** Checks the image out, and decides what its deployment will be; when anything fails, nothing is left. */
async function built(
  context: Context,
  request: PrepareRequest,
  complete: (plan: DeploymentPlan) => Promise<void>,
): Promise<DeploymentPlan> {
  const staging = request.container.staging(request.slot);
  context.report({ kind: 'extracting', path: destinationOf(request) });
  try {
    await makeCheckouts(context);
    await makeDirectory(staging, 0o700);
    await faultPoint(context, 'prepare.begun');
    const [features] = await waitForAll([
      probeRuntime(context, request.runtime),
      makeRootfs(context, request, staging),
    ]);
    await faultPoint(context, 'prepare.checked-out');
    const plan = planDeployment(await readFacts(context, { ...request, features }, staging));
    if (plan.note !== undefined) note(context, plan.note);
    await complete(plan);
    return plan;
  } catch (error) {
    await removeTree(shieldedFrom(context), staging);
    throw error;
  }
}

async function makeRootfs(context: Context, request: PrepareRequest, staging: string): Promise<void> {
  const rootfs = join(staging, 'rootfs');
  if (request.remote !== undefined) return await symlink(request.remote.link, rootfs);
  await makeDirectory(rootfs);
  await checkoutImage(context, request.image, rootfs);
}

/** The request once the runtime has answered. */
interface Probed extends PrepareRequest {
  readonly features: RuntimeFeatures;
}

/** Reads what the plan depends on. Host files are laid out in the staging directory: their checksums are facts, too. */
async function readFacts(context: Context, request: Probed, staging: string): Promise<DeploymentFacts> {
  const { name } = request.container;
  const destination = destinationOf(request);
  const place = rootfsOf(request, staging);
  const exports = await readExports(place.rootfs, place.shownAs, request.reference);
  warnWithoutExports(context, exports, destination);
  const unit = exports.serviceTemplate ?? defaultUnit(context.user.isRoot);
  const values = await valuesFor(context, request, { ...request, name, exports, unit, destination });
  const renames = renamesOf(exports, values);
  const planned = await planDelivery(context, request, { rootfs: place.rootfs, values });
  const { files, omitted } = await listHostFiles(planned, place, { renames, exports });
  requireValues(allTemplates(exports, unit, files), values);
  const material = await configMaterial(context, { exports, runtime: request.runtime, scratch: staging });
  const mirror = hostFilesMirror(staging);
  stageHostFiles(files, values, mirror);
  const delivery = await prepareDelivery(context, request, { delivery: planned, staging });
  const isCopied = delivery.systemPackage === 'no';
  const recorded = await planHostFiles(context, { ...request, files: isCopied ? files : [], mirror });
  return {
    ...{
      request,
      material,
      unit,
      values,
      renames,
      files,
      omitted,
      recorded,
      user: context.user,
      ...delivery,
    },
    now: Math.floor(Date.now() / 1000),
    tmpfiles: tmpfilesFacts(request),
  };
}

/** Where the root file system is, and where it will be. */
function rootfsOf(request: Probed, staging: string): { rootfs: string; shownAs: string } {
  const shared = request.remote?.folder;
  return {
    rootfs: shared ?? join(staging, 'rootfs'),
    shownAs: shared ?? join(destinationOf(request), 'rootfs'),
  };
}

function warnWithoutExports(context: Context, exports: Exports, destination: string): void {
  if (exports.isPresent) return;
  const lines = [
    'Warning: /exports directory not found.  Default config files will be generated.',
    `Warning: You may want to modify \`${destination}/config.json\` before starting the service`,
  ];
  for (const text of lines) note(context, text);
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

async function listHostFiles(
  { systemPackage }: Pick<DeploymentFacts, 'systemPackage'>,
  place: { rootfs: string; shownAs: string },
  { renames, exports }: { renames: Values; exports: Exports },
): Promise<Pick<DeploymentFacts, 'files' | 'omitted'>> {
  const templates = exports.manifest.installedFilesTemplate;
  const files = await readHostFiles(place, { renames, templates });
  return systemPackage === 'absent' ? { files: [], omitted: files } : { files, omitted: [] };
}

function allTemplates(exports: Exports, unit: Template, files: readonly HostFile[]): readonly Template[] {
  const { noContainerService } = exports.manifest;
  const filledIn = files.flatMap(({ template }) => template ?? []);
  return [...templatesOf(exports), ...(noContainerService ? [] : [unit]), ...filledIn];
}

function tmpfilesFacts({ container, current }: PrepareRequest): DeploymentFacts['tmpfiles'] {
  return {
    previous: current && readIfPresent(tmpfilesCopy(current.path, current.name)),
    isMadeAtBoot: (path) => isMadeAtBoot(path, container.tmpfiles),
  };
}
