/** Makes sure that a package can take its place on the host, before anything is stopped for it. */
import { basename, dirname } from 'node:path';
import type { Context } from '../../context.ts';
import { AtomicError, ToolError } from '../../errors.ts';
import { type Directory, Obstacle } from '../../host/files/directory.ts';
import { requireInstallable } from '../../host/packages/manager.ts';
import {
  dependantsOfPackage,
  installedHeaders,
  ownersOf,
  type PackagedFile,
} from '../../host/packages/rpm.ts';
import { type Container, isDangling } from '../deployments/container.ts';
import type { Deployment } from '../deployments/deployment.ts';
import { decideRemoval } from '../host-files/decide.ts';
import { findIn } from '../host-files/found.ts';
import { openHost, openOnHost } from '../host-files/host-path.ts';
import { cannotPut, printable } from '../host-files/notes.ts';
import { ownersBeside } from '../host-files/owners.ts';
import { type FileRecord, recordsOf } from '../host-files/record.ts';
import { lostPackage, type OwnPackage, ownPackages, packageOf } from './package-of.ts';

/** What the package says itself, or another one: it cannot be on this host. */
export class DeclaredConflict extends AtomicError {}

interface Check {
  readonly next: OwnPackage;
  /** Deployments that go before the package comes, with the files that were copied from them. */
  readonly leaving: readonly Deployment[];
  /** Whether the person has said that packages may bring scripts. */
  readonly allowsScripts: boolean;
}

/**
 * Makes sure that a package of a container can be installed, with nothing of anybody else's in the way.
 *
 * @throws AtomicError when a file, another package, or something that it requires keeps it from that, or when it runs
 *   scripts that nobody has allowed
 */
export async function requirePackageFits(
  context: Context,
  container: Container,
  check: Check,
): Promise<void> {
  const { next } = check;
  requireHarmless(container, check);
  const own = await installedPackages(context, container);
  await requireOwnName(context, container, { next, own });
  await requireNotNeeded(context, container, { next, own });
  await requireFreePaths(context, container, { ...check, own });
  await testOnHost(context, container, next);
}

/**
 * Makes sure that the package of an earlier deployment, if it has one, can be installed again, and that of the active one
 * be removed. Whether it may run scripts has been decided before.
 *
 * @throws AtomicError as {@link requirePackageFits} does
 */
export async function requirePackageCanReturn(
  context: Context,
  container: Container,
  path: string,
): Promise<void> {
  const next = await packageOf(context, { name: container.name, path });
  if (next === undefined) await requirePackagesCanGo(context, container);
  else await requirePackageFits(context, container, { next, leaving: [], allowsScripts: true });
}

/**
 * Makes sure that the package which a container has installed, if any, can be removed.
 *
 * @throws AtomicError that names the packages which require it
 */
export async function requirePackagesCanGo(context: Context, container: Container): Promise<void> {
  const own = await installedPackages(context, container);
  await requireNotNeeded(context, container, { next: undefined, own });
}

/**
 * Makes sure that nothing requires a package, which is to be removed for a container.
 *
 * @throws AtomicError that names what does
 */
export async function requireUnneededPackage(
  context: Context,
  { name }: Container,
  packageName: string,
): Promise<void> {
  const dependants = await dependantsOfPackage(context, packageName);
  if (dependants.length === 0) return;
  throw new AtomicError(
    `cannot remove the package ${packageName} of '${name}': ${dependants.join(', ')} ${dependants.length === 1 ? 'requires' : 'require'} it`,
    { hint: dependants.length === 1 ? 'remove that package first' : 'remove these packages first' },
  );
}

/** Packages of the container that are on the host; somebody may have removed or replaced them. */
async function installedPackages(context: Context, container: Container): Promise<readonly OwnPackage[]> {
  const installed: OwnPackage[] = [];
  for (const one of await ownPackages(context, container))
    if ((await installedHeaders(context, one.name)).includes(one.header)) installed.push(one);
  return installed;
}

interface Exchange {
  readonly next: OwnPackage | undefined;
  readonly own: readonly OwnPackage[];
}

/** One of the same name is upgraded, which rpm checks itself. */
async function requireNotNeeded(
  context: Context,
  container: Container,
  { next, own }: Exchange,
): Promise<void> {
  for (const { name } of own) if (name !== next?.name) await requireUnneededPackage(context, container, name);
}

/** What a package runs, it runs as root: whoever installs an image has not asked for that. */
function requireHarmless({ name }: Container, { next, allowsScripts }: Check): void {
  if (allowsScripts) return;
  const what = next.hasScripts
    ? 'runs scripts as root'
    : next.obsoletes.length > 0
      ? `removes ${next.obsoletes.join(', ')}`
      : undefined;
  if (what === undefined) return;
  throw new AtomicError(`the package that the image brings for '${name}' ${what} when it is installed`, {
    hint: 'install it with --system-package=yes if you trust the image, or with --system-package=no to copy its host files',
  });
}

/** rpm would replace a package of the same name, be it the system's. */
async function requireOwnName(
  context: Context,
  container: Container,
  { next, own }: { next: OwnPackage; own: readonly OwnPackage[] },
): Promise<void> {
  const { name } = container;
  const installed = await installedHeaders(context, next.name);
  if (installed.every((header) => own.some((one) => one.header === header))) return;
  if (isDangling(container) && (await lostPackage(context, container)) === next.name) return;
  throw new AtomicError(
    `cannot install the package of '${name}': a package ${next.name} is installed, and is not of this container`,
    { hint: 'remove it, or install with --system-package=no' },
  );
}

/** rpm replaces files that no package has, without a word; those of packages it compares itself. */
async function requireFreePaths(
  context: Context,
  container: Container,
  { next, own, leaving }: Check & { own: readonly OwnPackage[] },
): Promise<void> {
  const packaged = new Set(own.flatMap(({ files }) => files.map(({ path }) => path)));
  const owners = ownersBeside(context, container);
  const copied = leaving.map(({ info }) => recordsOf(info));
  using host = openHost(context);
  for (const file of next.files) {
    const { path } = file;
    if (packaged.has(path) || isFree(host, file) || (await ownersOf(context, path)).length > 0) continue;
    const mine = copied.flatMap((records) => records.get(path) ?? []);
    if (owners.namesOf(path).length === 0 && (await isGoing(host, path, mine))) continue;
    const names = owners.namesOf(path).map((name) => `'${name}'`);
    const whose = names.length > 0 ? `: it belongs to ${names.join(', ')}` : '';
    throw new AtomicError(`File ${printable(path)} already exists${whose}`, {
      hint: 'remove it, or install with --system-package=no, which leaves it as it is',
    });
  }
}

/** A file of the container itself, as it was copied, is removed before. */
async function isGoing(host: Directory, path: string, mine: readonly FileRecord[]): Promise<boolean> {
  if (mine.length === 0) return false;
  using directory = openOnHost(host, dirname(path));
  const found = directory && findIn(directory, basename(path));
  return (await decideRemoval({ found, mine, isShared: false })) === 'remove';
}

/** rpm gives a directory that is there the mode and the owner that a package says: then it has to have them already. */
function isFree(host: Directory, { path, kind, mode, owner }: PackagedFile): boolean {
  try {
    using directory = openOnHost(host, dirname(path));
    const found = directory?.stat(basename(path));
    if (found === undefined) return true;
    const isRoots = found.uid === 0n && found.gid === 0n && owner === 'root root';
    return kind === 'directory' && found.isDirectory() && isRoots && (Number(found.mode) & 0o7777) === mode;
  } catch (error) {
    throw error instanceof Obstacle ? cannotPut(path, error) : error;
  }
}

/** As rpm says that one package declares itself in conflict with another; of files it says `conflicts with file`. */
const DECLARED = / conflicts with (?!file )/;

async function testOnHost(context: Context, { name }: Container, { file }: OwnPackage): Promise<void> {
  try {
    await requireInstallable(context, file);
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    const lines = error.failure.stderr.split('\n').map((line) => line.trim());
    const said = lines.filter((line) => line !== '' && !/^(rpm:|warning:)/.test(line)).join('; ');
    const reason = printable(said)
      .replace(/^error: /, '')
      .replace('dependencies:;', 'dependencies:');
    const Refusal = lines.some((line) => DECLARED.test(line)) ? DeclaredConflict : AtomicError;
    throw new Refusal(`cannot install the package of '${name}': ${reason || error.message}`, {
      hint: 'install it with --system-package=no to copy its files',
      cause: error,
    });
  }
}
