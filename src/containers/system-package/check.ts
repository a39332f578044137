/** Makes sure that a package can take its place on the host, before anything is stopped for it. */
import { basename, dirname } from 'node:path';
import type { Context } from '../../context.ts';
import { AtomicError, ToolError } from '../../errors.ts';
import { type Directory, Obstacle } from '../../host/files/directory.ts';
import { requireInstallable } from '../../host/packages/manager.ts';
import { installedHeaders, ownersOf, type PackagedFile } from '../../host/packages/rpm.ts';
import type { Container } from '../deployments/container.ts';
import { openHost, openOnHost } from '../host-files/host-path.ts';
import { cannotPut, printable } from '../host-files/notes.ts';
import { ownersBeside } from '../host-files/owners.ts';
import { type OwnPackage, packageOf, readablePackageOf } from './package-of.ts';

interface Check {
  readonly next: OwnPackage;
  /** What the container has installed now. */
  readonly current: OwnPackage | undefined;
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
  requireHarmless(container, check);
  const isInstalled = await requireOwnName(context, container, check);
  await requireFreePaths(context, container, isInstalled ? check : { ...check, current: undefined });
  await testOnHost(context, container, check.next);
}

/**
 * Makes sure that the package of an earlier deployment, if it has one, can be installed again. Whether it may run
 * scripts has been decided before.
 *
 * @throws AtomicError as {@link requirePackageFits} does
 */
export async function requirePackageCanReturn(
  context: Context,
  container: Container,
  { from, to }: { from: string; to: string },
): Promise<void> {
  const { name } = container;
  const next = await packageOf(context, { name, path: to });
  if (next === undefined) return;
  const current = await readablePackageOf(context, { name, path: from });
  await requirePackageFits(context, container, { next, current, allowsScripts: true });
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

/**
 * rpm would replace a package of the same name, be it the system's.
 *
 * @returns whether that of the container is installed; somebody may have removed it
 */
async function requireOwnName(
  context: Context,
  { name }: Container,
  { next, current }: Check,
): Promise<boolean> {
  const installed = await installedHeaders(context, next.name);
  const foreign = installed.filter((header) => header !== current?.header);
  if (foreign.length === 0)
    return current !== undefined && (await installedHeaders(context, current.name)).includes(current.header);
  throw new AtomicError(
    `cannot install the package of '${name}': a package ${next.name} is installed, and is not of this container`,
    { hint: 'remove it, or install with --system-package=no' },
  );
}

/** rpm replaces files that no package has, without a word; those of packages it compares itself. */
async function requireFreePaths(
  context: Context,
  container: Container,
  { next, current }: Check,
): Promise<void> {
  const own = new Set(current?.files.map(({ path }) => path));
  const owners = ownersBeside(context, container);
  using host = openHost(context);
  for (const file of next.files) {
    const { path } = file;
    if (own.has(path) || isFree(host, file) || (await ownersOf(context, path)).length > 0) continue;
    const names = owners.namesOf(path).map((name) => `'${name}'`);
    const whose = names.length > 0 ? `: it belongs to ${names.join(', ')}` : '';
    throw new AtomicError(`File ${printable(path)} already exists${whose}`, {
      hint: 'remove it, or install with --system-package=no, which leaves it as it is',
    });
  }
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
    throw new AtomicError(`cannot install the package of '${name}': ${reason || error.message}`, {
      hint: 'install it with --system-package=no to copy its files',
      cause: error,
    });
  }
}
