/** Plans a new deployment: decides and checks everything before any of it is written. */
import { join } from 'node:path';
import type { User } from '../../host/host.ts';
import type { LayeredImage } from '../../images/layers/checkout.ts';
import type { Container, Slot } from '../deployments/container.ts';
import type { InfoRecord } from '../deployments/deployment.ts';
import type { RemoteRootfs } from '../deployments/shared-rootfs.ts';
import { parentsOf } from '../host-files/host-path.ts';
import type { HostFile } from '../host-files/read.ts';
import type { RecordedFiles } from '../host-files/record.ts';
import { noteOfChanges, renderConfig } from '../rendering/config.ts';
import type { ConfigMaterial, Instance } from '../rendering/material.ts';
import { bindSources, parseOciConfig, requireSystemContainer } from '../rendering/oci-config.ts';
import type { PresentConfig } from '../rendering/present-config.ts';
import { renderTemplate, type Template, type Values } from '../rendering/template.ts';
import { generateTmpfiles, type TmpfilesFacts } from '../rendering/tmpfiles.ts';
import { completeUnit } from '../rendering/unit.ts';
import { tmpfilesForUser, unitForUser } from '../rendering/user-unit.ts';
import type { PackagePlan } from '../system-package/plan.ts';
import type { SystemPackage } from '../system-package/sources.ts';
import { packageFileOf } from '../system-package/tags.ts';

/** What is asked for: an image, the container that it becomes a deployment of, and what else decides that. */
export interface DeploymentRequest extends Instance {
  readonly image: LayeredImage & { readonly id: string };
  readonly container: Container;
  readonly slot: Slot;
  /** Absent: the deployment gets a root file system of its own. */
  readonly remote: RemoteRootfs | undefined;
  /** How host files get to the host. */
  readonly systemPackage: SystemPackage | 'auto';
  /** Whether packages that the image brings may run scripts. */
  readonly allowsScripts: boolean;
  /** What the labels of the image say; they describe its package. */
  readonly labels: Readonly<Record<string, string>>;
  /** Where the deployment will be, if not in its slot. */
  readonly destination?: string;
}

/** Everything that has been read, and what follows from it before anything is rendered. */
export interface DeploymentFacts {
  readonly request: DeploymentRequest;
  readonly material: ConfigMaterial;
  readonly unit: Template;
  readonly values: Values;
  /** The new paths of host files, filled in. */
  readonly renames: Values;
  readonly files: readonly HostFile[];
  /** Those that an ordinary user does not get. */
  readonly omitted: readonly HostFile[];
  readonly systemPackage: SystemPackage;
  /** What brings the host files, if it is not their being copied. */
  readonly package: PackagePlan | undefined;
  /** What of the host files is put on this host. */
  readonly recorded: RecordedFiles;
  readonly user: User;
  /** Seconds since 1970. */
  readonly now: number;
  readonly tmpfiles: Pick<TmpfilesFacts, 'previous' | 'stateOf' | 'isMadeAtBoot'>;
}

/** A deployment as it is written, in plain values. */
export interface DeploymentPlan {
  /** NAME.0 or NAME.1. */
  readonly destination: string;
  /** `none`: the image delivers host files only; its root file system is not kept. */
  readonly rootfs: 'own' | 'shared' | 'none';
  /** Digests of the layers that are checked out, base first; empty for a shared root file system. */
  readonly layers: readonly string[];
  /** The texts of config.json, and of the unit and the tmpfiles.d file, if there are any. */
  readonly config: string;
  readonly unit: string | undefined;
  readonly tmpfiles: string | undefined;
  readonly info: InfoRecord;
  /** Paths on the host, each with what happens to it. */
  readonly hostFiles: readonly PlannedHostFile[];
  readonly package: PackagePlan | undefined;
  /** What the person is told of changes to the image's configuration. */
  readonly note: string | undefined;
}

export interface PlannedHostFile {
  readonly path: string;
  readonly kind: HostFile['kind'];
  /** `installed`: put there, or the same is there already; `kept`: somebody else's file is there, and stays. */
  readonly outcome: 'installed' | 'kept';
}

/** Where a deployment will be. */
export function destinationOf({ container, slot, destination }: DeploymentRequest): string {
  return destination ?? container.slots[slot];
}

/**
 * Decides what a deployment will be. Reads nothing but, through `tmpfiles.stateOf`, what is on the host already.
 *
 * @throws AtomicError when a variable has no value, or config.json is not what a system container needs
 */
export function planDeployment(facts: DeploymentFacts): DeploymentPlan {
  const { request, files, recorded, user } = facts;
  const { remote } = request;
  const destination = destinationOf(request);
  const { text: config, changes, sources } = planConfig(facts, join(destination, 'config.json'));
  const tmpfiles = planTmpfiles(facts, sources);
  const unit = planUnit(facts, tmpfiles);
  const hasService = unit !== undefined;
  return {
    destination,
    rootfs: remote !== undefined ? 'shared' : hasService ? 'own' : 'none',
    layers: remote === undefined ? request.image.layers : [],
    config,
    unit: unit?.text,
    tmpfiles,
    info: planInfo(facts),
    hostFiles: planHostFileList(files, facts.package === undefined ? recorded : undefined),
    package: facts.package,
    note: noteOfChanges(
      request.reference,
      { config: changes, unit: unit?.changes ?? [], hostFiles: pathsOf(facts.omitted) },
      user,
    ),
  };
}

const pathsOf = (files: readonly HostFile[]) =>
  files.filter(({ kind }) => kind !== 'directory').map(({ target }) => target);

/** The unit, and what of it is left out for an ordinary user; nothing for an image without a service. */
function planUnit(
  { request, material, unit, values, user }: DeploymentFacts,
  tmpfiles: string | undefined,
): { text: string; changes: readonly string[] } | undefined {
  if (material.exports.manifest.noContainerService) return undefined;
  const { container } = request;
  const text = completeUnit(renderTemplate(unit, values), { ...request, name: container.name });
  const { rights } = material;
  if (user.isRoot || rights === undefined) return { text, changes: [] };
  const place = tmpfiles === undefined ? undefined : container.tmpfiles;
  return unitForUser(text, { ...rights, start: values.EXEC_START ?? '', tmpfiles: place });
}

/** @param recorded what is copied; without it, a package brings all */
function planHostFileList(
  files: readonly HostFile[],
  recorded: RecordedFiles | undefined,
): readonly PlannedHostFile[] {
  const copied = new Set(recorded?.['installed-files']);
  const isInstalled = (path: string) =>
    recorded === undefined || (copied.has(path) && recorded['installed-files-kept'][path] === undefined);
  return files
    .filter(({ kind }) => kind !== 'directory')
    .map(({ target, kind }) => ({ path: target, kind, outcome: isInstalled(target) ? 'installed' : 'kept' }));
}

function planConfig(
  { request: { remote }, material, values }: DeploymentFacts,
  file: string,
): PresentConfig & { sources: readonly string[] } {
  const rendered = renderConfig(material, values, { file, ...(remote && { rootPath: remote.folder }) });
  const parsed = parseOciConfig(rendered.text, file);
  requireSystemContainer(parsed, file, remote !== undefined);
  return { ...rendered, sources: bindSources(parsed, file) };
}

function planTmpfiles(facts: DeploymentFacts, sources: readonly string[]): string | undefined {
  const { request, material, values, files, user, tmpfiles } = facts;
  const { tmpfilesTemplate } = material.exports;
  if (tmpfilesTemplate !== undefined) {
    const text = renderTemplate(tmpfilesTemplate, values);
    return user.isRoot ? text : tmpfilesForUser(text);
  }
  const ownDirectory = join(values.RUN_DIRECTORY ?? '/run', request.container.name);
  return generateTmpfiles(sources, { ...tmpfiles, user, ownDirectory, brought: pathsBroughtBy(files) });
}

/** The paths that host files take, and those of the directories that they are in. */
function pathsBroughtBy(files: readonly HostFile[]): ReadonlySet<string> {
  return new Set(files.flatMap(({ target }) => [target, ...parentsOf(target)]));
}

/** The record of the deployment, with the keys that the Python tool reads. */
function planInfo(facts: DeploymentFacts): InfoRecord {
  const { request, material, values, renames, recorded, now, systemPackage } = facts;
  const { manifest } = material.exports;
  return {
    image: request.reference,
    revision: request.image.id,
    'ostree-commit': request.image.commit,
    created: now,
    values: { ...values, HOST_UID: Number(values.HOST_UID), HOST_GID: Number(values.HOST_GID) },
    'has-container-service': !manifest.noContainerService,
    ...recorded,
    'installed-files-template': manifest.installedFilesTemplate,
    'rename-installed-files': renames,
    'rpm-installed':
      systemPackage === 'yes' && facts.package !== undefined ? packageFileOf(request.container.name) : null,
    // compat: nothing is recorded as `build`
    'system-package': systemPackage === 'build' ? 'yes' : systemPackage,
    'package-scripts': request.allowsScripts,
    remote: request.remote?.recorded ?? null,
    'use-links': manifest.useLinks,
    runtime: request.runtime,
    'set-values': Object.keys(request.set),
  } satisfies InfoRecord;
}
