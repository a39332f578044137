/** Removes what rpm leaves of a package when it is cut short: its database knows nothing of it. */
import { basename, dirname } from 'node:path';
import type { Context } from '../../context.ts';
import { isErrno } from '../../errors.ts';
import { type Directory, Obstacle } from '../../host/files/directory.ts';
import { ownersOf, type PackagedFile } from '../../host/packages/rpm.ts';
import { type Found, findIn } from '../host-files/found.ts';
import { openHost, openOnHost } from '../host-files/host-path.ts';
import type { OwnPackage } from './package-of.ts';

/**
 * Removes configuration files of `previous` that rpm had put there when it was cut short: it would take them for
 * changed by somebody, and leave them to the package that comes back.
 */
export async function removeStrays(context: Context, next: OwnPackage, previous: OwnPackage): Promise<void> {
  const others = new Map(previous.files.map((file) => [file.path, file]));
  using host = openHost(context);
  for (const { path, isConfig, digest } of next.files) {
    const other = others.get(path);
    if (!isConfig || other === undefined || other.digest === digest) continue;
    await removeIf(host, path, async (found) => await isAsPackaged(found, other));
  }
}

/**
 * Removes files of a package that is not installed, if they are as it brings them and no package has them, and the
 * temporary files that rpm had begun beside them.
 */
export async function removeLeftovers(context: Context, files: readonly PackagedFile[]): Promise<void> {
  using host = openHost(context);
  // what is in a directory comes after it
  for (const file of files.toReversed()) {
    const { path } = file;
    removeTemporaries(host, path);
    await removeIf(
      host,
      path,
      async (found) => (await isAsPackaged(found, file)) && (await ownersOf(context, path)).length === 0,
    );
  }
}

async function removeIf(
  host: Directory,
  path: string,
  isOurs: (found: Found) => Promise<boolean>,
): Promise<void> {
  using directory = openIfPossible(host, dirname(path));
  const name = basename(path);
  const found = directory && findIn(directory, name);
  if (directory === undefined || found === undefined || !(await isOurs(found))) return;
  if (!found.stat.isDirectory()) return directory.unlink(name);
  try {
    directory.rmdir(name);
  } catch (error) {
    if (!isErrno(error, 'ENOTEMPTY', 'EEXIST')) throw error;
  }
}

/** rpm writes a file under its name, a semicolon and a number first. */
function removeTemporaries(host: Directory, path: string): void {
  using directory = openIfPossible(host, dirname(path));
  const prefix = `${basename(path)};`;
  const names = directory?.names() ?? [];
  for (const name of names)
    if (name.startsWith(prefix) && /^[0-9a-f]{8}$/.test(name.slice(prefix.length))) directory?.unlink(name);
}

/** Where somebody else's link leads, nothing of a package is. */
export function openIfPossible(host: Directory, path: string): Directory | undefined {
  try {
    return openOnHost(host, path);
  } catch (error) {
    if (error instanceof Obstacle) return undefined;
    throw error;
  }
}

/** Whether what is there is what a package brings; its mode and owner do not count. */
export async function isAsPackaged(found: Found, { kind, digest, link }: PackagedFile): Promise<boolean> {
  if (kind === 'directory') return found.stat.isDirectory();
  if (kind === 'link') return found.stat.isSymbolicLink() && (await found.fingerprint()) === `-> ${link}`;
  return found.stat.isFile() && (await found.fingerprint()) === digest;
}
