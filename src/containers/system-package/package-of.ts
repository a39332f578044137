/** Finds the package of a deployment: its file, kept in the deployment, and what is in it. */
import { basename, join } from 'node:path';
import type { Context } from '../../context.ts';
import { ifPossible, ToolError } from '../../errors.ts';
import { warn } from '../../events.ts';
import { exists } from '../../host/files/files.ts';
import { inspectPackage, installedHeaders, isRpmHost, type PackageFacts } from '../../host/packages/rpm.ts';
import { type Container, isDirectory, preinstalledPath } from '../deployments/container.ts';
import { type Info, readDeployment } from '../deployments/deployment.ts';
import { packageFileOf, packageNameOf } from './tags.ts';

/** The package of a deployment. */
export interface OwnPackage extends PackageFacts {
  readonly file: string;
}

/** compat: what the package of a deployment is called when its record does not say. */
const READY = 'container.rpm';

/** The file of the package of a deployment, `undefined` without one. */
export function packageFileIn(name: string, path: string): string | undefined {
  if (!isDirectory(path)) return undefined;
  const info = ifPossible(() => readDeployment(name, path).info);
  const candidates = info === undefined ? [packageFileOf(name), READY] : recordedFile(info);
  return candidates.map((file) => join(path, file)).find(exists);
}

function recordedFile({ 'rpm-installed': recorded }: Info): readonly string[] {
  if (recorded === undefined) return [READY];
  return recorded === null || recorded === '' ? [] : [basename(recorded)];
}

/**
 * The package of the deployment in a directory.
 *
 * @returns `undefined` when the deployment has none, or is not there
 * @throws ToolError when the file is damaged
 */
export async function packageOf(
  context: Context,
  { name, path }: { name: string; path: string | undefined },
): Promise<OwnPackage | undefined> {
  const file = path === undefined ? undefined : packageFileIn(name, path);
  return file === undefined ? undefined : { file, ...(await inspectPackage(context, file)) };
}

/** The same; a damaged file, which is worth a warning, says nothing about the host. */
export async function readablePackageOf(
  context: Context,
  deployment: { name: string; path: string | undefined },
): Promise<OwnPackage | undefined> {
  try {
    return await packageOf(context, deployment);
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    warn(context, error.line);
    return undefined;
  }
}

/** The packages of the deployments of a container, installed or not, as far as they are readable. */
export async function ownPackages(
  context: Context,
  { name, slots }: Container,
): Promise<readonly OwnPackage[]> {
  const own: OwnPackage[] = [];
  for (const path of slots) {
    const one = await readablePackageOf(context, { name, path });
    if (one !== undefined) own.push(one);
  }
  return own;
}

/**
 * The name of the package that a container has installed, when the deployment with its file is lost: nobody else's has
 * that name, but for one that brings the container itself.
 */
export async function lostPackage(context: Context, container: Container): Promise<string | undefined> {
  if (preinstalledPath(container) !== undefined || !(await isRpmHost(context))) return undefined;
  const name = packageNameOf(container.name);
  const own = await ownPackages(context, container);
  const installed = await installedHeaders(context, name);
  const isLost = installed.some((header) => !own.some((one) => one.header === header));
  return isLost ? name : undefined;
}
