/** Keeps what somebody has made of the configuration in a package, for a change that has to be undone. */
import { closeSync, fchmodSync, fchownSync, readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import * as z from 'zod/mini';
import type { Context } from '../../context.ts';
import { AtomicError, orUndefined } from '../../errors.ts';
import type { Directory } from '../../host/files/directory.ts';
import {
  readIfPresent,
  removeIfPresent,
  removeTemporary,
  replaceFile,
  syncPath,
} from '../../host/files/files.ts';
import type { PackagedFile } from '../../host/packages/rpm.ts';
import { parseJson } from '../../json.ts';
import type { Container } from '../deployments/container.ts';
import { findIn } from '../host-files/found.ts';
import { openHost } from '../host-files/host-path.ts';
import { isAsPackaged, openIfPossible } from './leftovers.ts';
import type { OwnPackage } from './package-of.ts';

/** Where rpm puts a configuration file that somebody has changed, to put one of a package in its place. */
const SAVED = ['.rpmsave', '.rpmorig'];

/** Where it puts one of a package that is not to take the place of a changed one. */
const NEW = '.rpmnew';

const Attributes = z.object({ mode: z.number(), uid: z.number(), gid: z.number() });
type Attributes = z.infer<typeof Attributes>;

const Kept = z.object({
  /** The deployment that the container is to leave. */
  from: z.string(),
  /** The configuration files of its package that are there, by path. */
  files: z.record(z.string(), Attributes),
  /** What lay beside these already, under names that rpm gives; the content in base64. */
  beside: z.record(z.string(), z.extend(Attributes, { content: z.string() })),
});
type Kept = z.infer<typeof Kept>;

/** What is installed, and what is to be; without a package, neither. */
export interface Packages {
  readonly previous: OwnPackage | undefined;
  readonly next: OwnPackage | undefined;
}

/** Records, on disk, what {@link restoreConfiguration} needs, before the package of the deployment `from` goes. */
export async function keepConfiguration(
  context: Context,
  { configuration }: Container,
  { from, ...packages }: Packages & { from: string | undefined },
): Promise<void> {
  const paths = [...configurationOf(packages).keys()];
  if (from === undefined || paths.length === 0) return;
  const kept: Kept = { from, files: {}, beside: {} };
  using host = openHost(context);
  for (const path of paths) {
    using directory = openIfPossible(host, dirname(path));
    const attributes = directory && attributesOf(directory, basename(path));
    if (directory === undefined || attributes === undefined) continue;
    kept.files[path] = attributes;
    for (const suffix of [...SAVED, NEW]) {
      const beside = contentOf(directory, basename(path) + suffix);
      if (beside !== undefined) kept.beside[path + suffix] = beside;
    }
  }
  await replaceFile(configuration, `${JSON.stringify(kept)}\n`, 0o600);
}

/** The change is over, and is not undone any more. */
export async function forgetConfiguration({ configuration }: Container): Promise<void> {
  await removeTemporary(configuration);
  if (await removeIfPresent(configuration)) await syncPath(dirname(configuration));
}

/**
 * Gives configuration files that somebody had changed their places and permissions back, when the container goes back
 * to the deployment `to`. What has been changed since stays. To be done before and after rpm, which sets them aside.
 */
export async function restoreConfiguration(
  context: Context,
  container: Container,
  { to, ...packages }: Packages & { to: string | undefined },
): Promise<void> {
  const kept = readKept(container);
  if (kept === undefined || kept.from !== to) return;
  using host = openHost(context);
  for (const [path, brought] of configurationOf(packages)) {
    const attributes = kept.files[path];
    using directory = openIfPossible(host, dirname(path));
    if (directory === undefined || attributes === undefined) continue;
    await restoreFile(directory, { path, brought, kept });
    restoreAttributes(directory, { name: basename(path), attributes, brought });
  }
}

function readKept({ configuration }: Container): Kept | undefined {
  const text = readIfPresent(configuration);
  if (text === undefined) return undefined;
  return orUndefined(() => parseJson(Kept, text, () => new AtomicError(`${configuration} is damaged`)));
}

/** The configuration files of two packages, with what these bring. */
function configurationOf({ previous, next }: Packages): ReadonlyMap<string, readonly PackagedFile[]> {
  const files = [previous, next].flatMap((one) => one?.files ?? []);
  const paths = files.filter(({ isConfig, kind }) => isConfig && kind === 'file').map(({ path }) => path);
  return new Map(paths.map((path) => [path, files.filter((file) => file.path === path)]));
}

interface Restored {
  readonly path: string;
  readonly brought: readonly PackagedFile[];
  readonly kept: Kept;
}

async function restoreFile(directory: Directory, { path, brought, kept }: Restored): Promise<void> {
  const name = basename(path);
  for (const suffix of [...SAVED, NEW]) {
    const before = kept.beside[path + suffix];
    const now = contentOf(directory, name + suffix);
    if (now?.content === before?.content) continue;
    if (now !== undefined && suffix === NEW) directory.unlink(name + suffix);
    else if (now !== undefined && (await isReplaceable(directory, name, brought)))
      directory.rename(name + suffix, directory, name);
    if (before !== undefined && directory.stat(name + suffix) === undefined)
      directory.createFile(name + suffix, Buffer.from(before.content, 'base64'), before);
  }
}

/** Nobody has changed it since rpm has put it there. */
async function isReplaceable(
  directory: Directory,
  name: string,
  brought: readonly PackagedFile[],
): Promise<boolean> {
  const found = findIn(directory, name);
  if (found === undefined) return true;
  for (const file of brought) if (await isAsPackaged(found, file)) return true;
  return false;
}

/** As for the content: a mode that is that of no package is somebody's. */
function restoreAttributes(
  directory: Directory,
  { name, attributes, brought }: { name: string; attributes: Attributes; brought: readonly PackagedFile[] },
): void {
  const now = attributesOf(directory, name);
  if (now === undefined || !brought.some(({ mode }) => mode === now.mode)) return;
  withFile(directory, name, (fd) => {
    fchownSync(fd, attributes.uid, attributes.gid);
    fchmodSync(fd, attributes.mode);
  });
}

function attributesOf(directory: Directory, name: string): Attributes | undefined {
  const found = directory.stat(name);
  if (found?.isFile() !== true) return undefined;
  return { mode: Number(found.mode) & 0o7777, uid: Number(found.uid), gid: Number(found.gid) };
}

function contentOf(directory: Directory, name: string): Kept['beside'][string] | undefined {
  const attributes = attributesOf(directory, name);
  if (attributes === undefined) return undefined;
  const content = withFile(directory, name, (fd) => readFileSync(fd));
  return { ...attributes, content: content.toString('base64') };
}

function withFile<Result>(directory: Directory, name: string, work: (fd: number) => Result): Result {
  const fd = directory.openFile(name);
  try {
    return work(fd);
  } finally {
    closeSync(fd);
  }
}
