/** Puts packages on the host, exchanges and removes them; can be repeated from any half-way state. */
import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Context } from '../../context.ts';
import { note } from '../../events.ts';
import { exists } from '../../host/files/files.ts';
import { takeLock } from '../../host/files/lock.ts';
import { syncFileSystem } from '../../host/files/sync-file-system.ts';
import {
  installArgv,
  installPackage,
  type Remover,
  removeArgv,
  removePackage,
} from '../../host/packages/manager.ts';
import { DATABASES, installedHeaders, replacePackage } from '../../host/packages/rpm.ts';
import type { Container } from '../deployments/container.ts';
import {
  forgetConfiguration,
  keepConfiguration,
  type Packages,
  restoreConfiguration,
} from './configuration.ts';
import { removeLeftovers, removeStrays } from './leftovers.ts';
import {
  lostPackage,
  type OwnPackage,
  ownPackages,
  packageFileIn,
  packageOf,
  readablePackageOf,
} from './package-of.ts';

/** Directories of deployments. */
interface Exchange {
  readonly from: string | undefined;
  readonly to: string | undefined;
}

/**
 * Makes the package of `to` that of the host, in the place of the one of `from`. Neither need have one.
 *
 * @returns the paths of both, for what else has to know
 * @throws ToolError when it cannot be installed, or the other one not be removed
 */
export async function exchangePackage(
  context: Context,
  container: Container,
  exchange: Exchange,
): Promise<readonly string[]> {
  return await exchanged(context, container, exchange, {
    before: async (packages) =>
      await keepConfiguration(context, container, { ...packages, from: exchange.from }),
    put: async (next, _previous, lock) => {
      context.report({ kind: 'command', argv: installArgv(next.file) });
      await installPackage(context, next, lock);
    },
  });
}

/**
 * The same for a change that is undone, or was cut short: nothing is resolved or downloaded for it, what rpm had done by
 * then, which its database need not know of, is done again, and configuration that somebody had changed is as it was.
 */
export async function restorePackage(
  context: Context,
  container: Container,
  exchange: Exchange,
): Promise<readonly string[]> {
  const { to } = exchange;
  return await exchanged(context, container, exchange, {
    before: async (packages) => await restoreConfiguration(context, container, { ...packages, to }),
    put: async (next, previous, lock) => {
      if (previous !== undefined) await removeStrays(context, next, previous);
      await replacePackage(context, next.file, { lock });
      const kept = new Set(next.files.map(({ path }) => path));
      const gone = previous?.files.filter(({ path }) => !kept.has(path)) ?? [];
      await removeLeftovers(context, gone);
    },
    after: async (packages) => await restoreConfiguration(context, container, { ...packages, to }),
  });
}

interface Work {
  readonly before: (packages: Packages) => Promise<void>;
  readonly put: (next: OwnPackage, previous: OwnPackage | undefined, lock: number) => Promise<void>;
  readonly after?: (packages: Packages) => Promise<void>;
}

async function exchanged(
  context: Context,
  { name }: Container,
  { from, to }: Exchange,
  { before, put, after }: Work,
): Promise<readonly string[]> {
  const previous = await readablePackageOf(context, { name, path: from });
  const next = await packageOf(context, { name, path: to });
  if (next === undefined && previous === undefined) return [];
  await using lock = await takePackageLock(context);
  await before({ previous, next });
  if (next !== undefined) await put(next, previous, lock.fd);
  if (previous !== undefined && previous.name !== next?.name) {
    await removeOwn(context, name, { packages: [previous], lock: lock.fd, remover: 'rpm' });
    if (next === undefined) await removeLeftovers(context, previous.files);
  }
  await after?.({ previous, next });
  const paths = [previous, next].flatMap((one) => one?.files ?? []).map(({ path }) => path);
  await syncPlaces(context, paths);
  return paths;
}

/**
 * Removes the packages of a container. One that has been replaced since by somebody else's of the same name stays.
 *
 * @param changed the deployments, of all of them in `slots`, between which a change may have been cut short: what rpm
 *   has left of their packages goes as well
 * @param isLost whether the active deployment is, and with it the file of its package
 * @throws ToolError when one cannot be removed, such as when another package requires it
 */
export async function removePackages(
  context: Context,
  container: Container,
  { changed, isLost, remover }: { changed: readonly string[]; isLost: boolean; remover: Remover },
): Promise<void> {
  const { name, slots } = container;
  await forgetConfiguration(container);
  const packages = await ownPackages(context, container);
  const isUnread = slots.filter((path) => packageFileIn(name, path) !== undefined).length > packages.length;
  const lost = isLost || isUnread ? await lostPackage(context, container) : undefined;
  if (packages.length === 0 && lost === undefined) return;
  await using lock = await takePackageLock(context);
  await removeOwn(context, name, { packages, lock: lock.fd, remover });
  for (const { file, files } of packages)
    if (changed.includes(dirname(file))) await removeLeftovers(context, files);
  if (lost !== undefined) await remove(context, lost, { lock: lock.fd, remover });
  const paths = packages.flatMap(({ files }) => files.map(({ path }) => path));
  await syncPlaces(context, [...paths, ...UNKNOWN_PLACES]);
}

/** Where the files of a package are, as far as nobody has read it. */
const UNKNOWN_PLACES = ['/usr/lib/containers', '/etc'];

/** Removes a package, whoever has installed it. */
export async function removeNamedPackage(context: Context, name: string): Promise<void> {
  await using lock = await takePackageLock(context);
  await remove(context, name, { lock: lock.fd, remover: 'manager' });
  await syncPlaces(context, UNKNOWN_PLACES);
}

async function removeOwn(
  context: Context,
  container: string,
  { packages, ...removal }: { packages: readonly OwnPackage[]; lock: number; remover: Remover },
): Promise<void> {
  const own = new Set(packages.map(({ header }) => header));
  for (const name of new Set(packages.map((one) => one.name))) {
    const installed = await installedHeaders(context, name);
    if (installed.length === 0) continue;
    if (installed.some((header) => !own.has(header))) {
      note(
        context,
        `Will not remove the package ${name}, since it is not the one of '${container}' any more.`,
      );
      continue;
    }
    await remove(context, name, removal);
  }
}

async function remove(
  context: Context,
  name: string,
  removal: { lock: number; remover: Remover },
): Promise<void> {
  context.report({ kind: 'command', argv: removeArgv(name, removal.remover) });
  await removePackage(context, name, removal);
}

/** Puts on disk what rpm has done: it writes its database through, and leaves the files to the kernel. */
async function syncPlaces(context: Context, paths: readonly string[]): Promise<void> {
  const directories = new Set(
    [...paths, ...DATABASES.map((path) => join(path, 'any'))].map(nearestDirectory),
  );
  const fileSystems = new Map([...directories].map((path) => [statSync(path).dev, path]));
  for (const path of fileSystems.values()) await syncFileSystem(context, path);
}

function nearestDirectory(path: string): string {
  const parent = dirname(path);
  return exists(parent) ? parent : nearestDirectory(parent);
}

/**
 * Programs that change packages keep this lock until they end, even if we are killed: whoever takes it next finds the
 * host as they have left it, and not while they are at it.
 */
async function takePackageLock(context: Context) {
  const file = join(context.paths.locks, '.packages.lock');
  const text = 'Waiting for another atomic command that changes packages';
  return await takeLock(context, file, () => context.report({ kind: 'waiting', text }));
}
