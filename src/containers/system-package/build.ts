/** Makes the package of a deployment. */
import { readdirSync, statSync } from 'node:fs';
import { chmod, chown, copyFile, lstat, mkdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Context } from '../../context.ts';
import { AtomicError, ToolError } from '../../errors.ts';
import { faultPoint } from '../../faults.ts';
import { Directory } from '../../host/files/directory.ts';
import { createFile, exists } from '../../host/files/files.ts';
import { openBelow } from '../../host/files/open-below.ts';
import { temporaryFolder } from '../../host/files/temporary-folder.ts';
import { ownersOf } from '../../host/packages/rpm.ts';
import { buildPackage, buildPlaces, RESULT } from '../../host/packages/rpmbuild.ts';
import { waitForAll } from '../../wait-for-all.ts';
import type { PackagePlan } from './plan.ts';
import { type PackagedEntry, specText } from './spec.ts';
import { packageNameOf } from './tags.ts';

/** Where packages are made: their maker, who is nobody, cannot get to where containers are. */
const WORKPLACE = '/var/tmp';

/** How much of what rpmbuild says is shown, in characters. */
const MOST_SAID = 1024;

/** What goes into a package: what is at `from` on this host is at `to` in it. */
export interface Piece {
  readonly from: string;
  readonly to: string;
}

interface Making {
  readonly plan: PackagePlan;
  readonly pieces: readonly Piece[];
  /** The package file, which is made. */
  readonly target: string;
}

/**
 * Makes a package, or takes the one that is ready.
 *
 * @throws AtomicError when rpmbuild cannot make it, or a name of a file is not for packages
 */
export async function makePackage(context: Context, { plan, pieces, target }: Making): Promise<void> {
  if (plan.kind === 'ready') await copyFile(plan.source, target);
  else await build(context, { plan, pieces, target });
  await chown(target, context.user.uid, context.user.gid);
  await chmod(target, 0o644);
  await faultPoint(context, 'prepare.packaged');
}

async function build(
  context: Context,
  { plan, pieces, target }: Making & { plan: Exclude<PackagePlan, { kind: 'ready' }> },
): Promise<void> {
  await using folder = await temporaryFolder(context, WORKPLACE, 'atomic-package');
  const { root, spec } = buildPlaces(folder.path);
  await mkdir(root);
  for (const { from, to } of pieces) await layOut(context, from, join(root, to));
  const entries = entriesBelow(root);
  const text =
    plan.kind === 'spec'
      ? plan.spec
      : specText(plan.tags, await ownEntries(context, entries, pieces), entries);
  await createFile(spec, text);
  await runRpmbuild(context, folder.path);
  collect(folder.path, target);
}

async function runRpmbuild(context: Context, directory: string): Promise<void> {
  try {
    await buildPackage(context, directory);
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    const said = error.failure.stderr
      .trim()
      .slice(-MOST_SAID)
      .replaceAll(/\s*\n\s*/g, '; ');
    const reason = said.replaceAll(`${directory}/`, '').replaceAll(/\p{Cc}/gu, ' ');
    throw new AtomicError(`rpmbuild could not make the package: ${reason}`, {
      hint: 'install with --system-package=no to copy the host files',
      cause: error,
    });
  }
}

/** A copy: the files of a checkout are those of the repository, and may not change. */
async function layOut(context: Context, from: string, to: string): Promise<void> {
  const isDirectory = (await lstat(from)).isDirectory();
  await mkdir(isDirectory ? to : dirname(to), { recursive: true });
  const source = isDirectory ? `${from}/.` : from;
  await context.processes.run({ tool: 'cp', args: ['-a', '--reflink=auto', '--', source, to] });
}

/** Whoever ran rpmbuild may have left a link in the place of the package. */
function collect(directory: string, target: string): void {
  using top = Directory.open(directory);
  using folder = openBelow(top, RESULT.folder);
  if (folder?.stat(RESULT.file)?.isFile() !== true)
    throw new AtomicError('rpmbuild made no package of the spec file of the image', {
      hint: 'a spec file must have one package with files, for noarch or this architecture',
    });
  using destination = Directory.open(dirname(target));
  folder.copyFile(RESULT.file, destination, basename(target));
}

/** All that is below a directory, with paths as if it were the root; directories before what they hold. */
function entriesBelow(root: string, path = '/'): readonly PackagedEntry[] {
  return readdirSync(join(root, path), { withFileTypes: true }).flatMap((entry) => {
    const inner = join(path, entry.name);
    requirePlainName(inner);
    if (entry.isSymbolicLink()) return [{ path: inner, kind: 'link', mode: 0o777 }] as const;
    const { mode } = statSync(join(root, inner));
    if (!entry.isDirectory()) return [{ path: inner, kind: 'file', mode }] as const;
    return [{ path: inner, kind: 'directory', mode } as const, ...entriesBelow(root, inner)];
  });
}

/** rpm, and who reads its output, have one path a line. */
function requirePlainName(path: string): void {
  if (!/\p{Cc}/u.test(path)) return;
  throw new AtomicError(`cannot put ${JSON.stringify(path)} into a package: it has a control character`, {
    hint: 'install with --system-package=no',
  });
}

/**
 * Leaves out the directories that the host, or another package, has anyway: a package that claimed /etc would remove
 * it, or be in the way of the one that has it. Those of our containers are shared among their packages.
 */
async function ownEntries(
  context: Context,
  entries: readonly PackagedEntry[],
  pieces: readonly Piece[],
): Promise<readonly PackagedEntry[]> {
  const places = pieces.map(({ to }) => to).filter((to) => to !== '/');
  const isOwn = async ({ path, kind }: PackagedEntry) => {
    if (kind !== 'directory' || !exists(path)) return true;
    if (places.some((place) => path === place || path.startsWith(`${place}/`))) return true;
    const owners = await ownersOf(context, path);
    return owners.length > 0 && owners.every((owner) => owner.startsWith(packageNameOf('')));
  };
  const answers = await waitForAll(entries.map(isOwn));
  return entries.filter((_, index) => answers[index]);
}
