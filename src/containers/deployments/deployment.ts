/** The deployments of a container on disk: the slots NAME.0 and NAME.1, the link NAME, and the `info` record. */
import { basename, dirname, join, resolve } from 'node:path';
import * as z from 'zod';
import type { Context } from '../../context.ts';
import { AtomicError } from '../../errors.ts';
import {
  entriesIfPresent,
  exists,
  isUnreadable,
  readIfPresent,
  readLinkIfPresent,
} from '../../host/files/files.ts';

/** `info`; keys that we do not know are kept, and those that old records lack have defaults. */
const Info = z.looseObject({
  image: z.string().catch(''),
  revision: z
    .string()
    .nullish()
    .transform((value) => value ?? ''),
  'ostree-commit': z.string().catch(''),
  created: z.number().catch(0),
  values: z.record(z.string(), z.unknown()).catch({}),
  'has-container-service': z.boolean().catch(true),
  'installed-files': z.array(z.string()).nullish(),
  'installed-files-checksum': z.record(z.string(), z.string()).nullish(),
  /** Ours alone: the texts of symbolic links among the installed files. */
  'installed-files-links': z.record(z.string(), z.string()).nullish(),
  /** Ours alone: folders that had to be made for the installed files. */
  'created-folders': z.array(z.string()).nullish(),
  'installed-files-template': z.array(z.string()).nullish(),
  'rename-installed-files': z.record(z.string(), z.string()).nullish(),
  'rpm-installed': z.string().nullish(),
  'system-package': z.string().nullish(),
  remote: z.string().nullish(),
  'use-links': z.boolean().catch(false),
  runtime: z.string().nullish(),
  /** The names among `values` that the person set; absent in records of the Python tool. */
  'set-values': z.array(z.string()).nullish(),
});

export type Info = z.infer<typeof Info>;

export type Slot = 0 | 1;

/** One checkout of a container, whole. */
export interface Deployment {
  readonly name: string;
  /** The folder, absolute, links resolved. */
  readonly path: string;
  readonly info: Info;
}

/** Where the pieces of a container live. */
export interface ContainerPaths {
  /** The link that says which deployment is active. */
  readonly link: string;
  readonly slots: readonly [string, string];
  readonly unit: string;
  readonly tmpfiles: string;
}

export function containerPaths({ paths }: Context, name: string): ContainerPaths {
  return {
    link: join(paths.checkouts, name),
    slots: [join(paths.checkouts, `${name}.0`), join(paths.checkouts, `${name}.1`)],
    unit: join(paths.units, `${name}.service`),
    tmpfiles: join(paths.tmpfiles, `${name}.conf`),
  };
}

/** The copies of what is installed on the host, inside a deployment. */
export const unitCopy = (deployment: string, name: string) => join(deployment, `${name}.service`);
export const tmpfilesCopy = (deployment: string, name: string) => join(deployment, `tmpfiles-${name}.conf`);

/** The folder that the link of a container points to, or `undefined` without link or with a dangling one. */
export function activePath(context: Context, name: string): string | undefined {
  const { link } = containerPaths(context, name);
  const target = readLinkIfPresent(link);
  if (target === undefined) return undefined;
  const path = resolve(dirname(link), target);
  return exists(path) ? path : undefined;
}

/** The folder of a container that a package of the distribution brought, or `undefined`. */
export function preinstalledPath({ paths }: Context, name: string): string | undefined {
  const path = join(paths.preinstalled, name);
  return exists(join(path, 'info')) ? path : undefined;
}

/** The folder of an installed container: its active deployment, or what a package brought; `undefined` without one. */
export function installedPath(context: Context, name: string): string | undefined {
  return activePath(context, name) ?? preinstalledPath(context, name);
}

/**
 * Reads a deployment.
 *
 * @throws AtomicError when its `info` is missing or damaged
 */
export function readDeployment(name: string, path: string): Deployment {
  const file = join(path, 'info');
  const text = readReadable(file);
  if (text === undefined) throw new AtomicError(`cannot read ${file}: it is missing or not a readable file`);
  return { name, path, info: parseInfo(text, file) };
}

function readReadable(file: string): string | undefined {
  try {
    return readIfPresent(file);
  } catch (error) {
    if (isUnreadable(error)) return undefined;
    throw error;
  }
}

/** Parses an `info` record; `file` is for messages. */
export function parseInfo(text: string, file: string): Info {
  try {
    return Info.parse(JSON.parse(text));
  } catch (error) {
    throw new AtomicError(`${file} is damaged: it does not hold a deployment's record`, { cause: error });
  }
}

/** The text of an `info` record, as the Python tool writes it. */
export function renderInfo(info: Record<string, unknown>): string {
  return `${JSON.stringify(info, undefined, 4)}\n`;
}

/** A container's name, and its link or folder. */
export type NamedFolder = readonly [name: string, path: string];

/**
 * All containers of a folder, sorted, without hidden entries and inactive slots. Dangling links and stray files are
 * among them, so that the listings can name what is broken.
 */
export function containerFolders(folder: string): readonly NamedFolder[] {
  const entries = entriesIfPresent(folder);
  const links = new Set(entries.filter((entry) => entry.isSymbolicLink()).map(({ name }) => name));
  return entries
    .map(({ name }) => name)
    .filter((name) => !name.startsWith('.') && !(/\.[01]$/.test(name) && links.has(name.slice(0, -2))))
    .sort()
    .map((name) => [name, join(folder, name)] as const);
}

/** Which slot a deployment's folder is; `undefined` for another folder, such as a preinstalled one. */
export function slotOf(path: string): Slot | undefined {
  const suffix = /\.([01])$/.exec(basename(path))?.[1];
  return suffix === undefined ? undefined : (Number(suffix) as Slot);
}
