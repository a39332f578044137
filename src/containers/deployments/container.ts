/** A container, with every path that it has on disk. */
import { lstatSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { Context } from '../../context.ts';
import { exists, readLinkIfPresent } from '../../host/files/files.ts';
import { type ContainerName, isContainerName } from './name.ts';

export type Slot = 0 | 1;

/** Made once, by the function of the domain that a command calls; holds names only, whether there is anything or not. */
export interface Container {
  readonly name: ContainerName;
  /** The name of its service, as systemd has it. */
  readonly service: string;
  /** The directory that holds the link and the slots. */
  readonly directory: string;
  /** The link that says which deployment is active. */
  readonly link: string;
  /** The directories of its deployments: NAME.0 and NAME.1. */
  readonly slots: readonly [string, string];
  /**
   * The directory in which this process builds a deployment before it gets its name. Not that of another process: when
   * one is killed, the program that it had started can go on writing for a while.
   */
  readonly staging: (slot: Slot) => string;
  /** What a slot held before a change: kept until the change is over; an empty directory when it held nothing. */
  readonly saved: (slot: Slot) => string;
  /** The marker of a change that is under way, or was cut short. */
  readonly marker: string;
  /** The journal of a change of its host files that is under way, or was cut short. */
  readonly hostFiles: string;
  /** What a change of its package that is under way, or was cut short, needs to be undone: see `configuration.ts`. */
  readonly configuration: string;
  readonly lock: string;
  /** The unit file, and the tmpfiles.d file, on the host. */
  readonly unit: string;
  readonly tmpfiles: string;
  /** The directory of a container that a package of the distribution brought. */
  readonly preinstalled: string;
}

/** The places of the container `name`; reads nothing. */
export function containerOf({ paths }: Context, name: ContainerName): Container {
  const among = (entry: string) => join(paths.checkouts, entry);
  return {
    name,
    service: `${name}.service`,
    directory: paths.checkouts,
    link: among(name),
    slots: [among(`${name}.0`), among(`${name}.1`)],
    staging: (slot) => among(`.${name}.${slot}.new-${process.pid}`),
    saved: (slot) => among(`.${name}.${slot}.old`),
    marker: among(`.${name}.pending`),
    hostFiles: among(`.${name}.host-files`),
    configuration: among(`.${name}.configuration`),
    lock: join(paths.locks, `${name}.lock`),
    unit: join(paths.units, `${name}.service`),
    tmpfiles: join(paths.tmpfiles, `${name}.conf`),
    preinstalled: join(paths.preinstalled, name),
  };
}

/** Whether a file name is that of the staging directory of a slot, be it another process's. */
export function isStagingOf({ name }: Container, slot: Slot, entry: string): boolean {
  const prefix = `.${name}.${slot}.new-`;
  return entry.startsWith(prefix) && /^\d+$/.test(entry.slice(prefix.length));
}

/** The container whose journal of host files has this file name; `undefined` for other names. */
export function containerOfJournal(entry: string): ContainerName | undefined {
  const name = /^\.(.+)\.host-files$/.exec(entry)?.[1];
  return name !== undefined && isContainerName(name) ? name : undefined;
}

/** What a command leaves that is cut short before it has a marker, or after that is gone. */
const LEFTOVERS = [
  /^\.(.+)\.[01]\.(?:new-\d+|old)$/,
  /^\.(.+)\.host-files$/,
  /^\.(.+)\.tmp$/,
  /^\.\.(.+)\.(?:pending|host-files)\.tmp$/,
];

/** The container that has left a file of this name; `undefined` for other names. */
export function containerOfLeftover(entry: string): ContainerName | undefined {
  return LEFTOVERS.map((pattern) => pattern.exec(entry)?.[1] ?? '').find(isContainerName);
}

/** The copies of what is installed on the host, inside a deployment. */
export const unitCopy = (deployment: string, name: string) => join(deployment, `${name}.service`);
export const tmpfilesCopy = (deployment: string, name: string) => join(deployment, `tmpfiles-${name}.conf`);

/** Whether there is a directory of that name: never a link to one, which is a container of its own. */
export function isDirectory(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** Whether what has the name of a container is the directory of a deployment of another: NAME.0 of NAME. */
export function isSlotOfAnother({ name, link }: Container): boolean {
  return slotOf(name) !== undefined && isDirectory(link);
}

/**
 * The directory that the link of a container points to, or `undefined` without link or with a dangling one. That of a
 * slot is spelled as in `slots`, however the link spells it: the Python tool wrote other paths on OSTree hosts.
 */
export function activePath({ link, slots }: Container): string | undefined {
  const target = readLinkIfPresent(link);
  if (target === undefined) return undefined;
  const path = resolve(dirname(link), target);
  if (!leadsToDirectory(path)) return undefined;
  return slots.includes(path) ? path : (slots.find((slot) => isSame(slot, path)) ?? path);
}

/** Whether a container has lost its deployment: its link leads nowhere. */
export function isDangling(container: Container): boolean {
  return readLinkIfPresent(container.link) !== undefined && activePath(container) === undefined;
}

/** What to do about a container that has no deployment. */
export function hintForMissing(container: Container): string {
  const { name, link } = container;
  if (!isDangling(container)) return "see 'atomic containers list -a'";
  return `${link} leads nowhere: install '${name}' again, or remove it with 'atomic uninstall ${name}'`;
}

function leadsToDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

function isSame(slot: string, path: string): boolean {
  try {
    return isDirectory(slot) && realpathSync(slot) === realpathSync(path);
  } catch {
    return false;
  }
}

/**
 * The deployment of a container that a recorded path names, spelled as in `slots`, whether it is there or not;
 * `undefined` for one in another directory of containers, from which this one was copied or moved.
 */
export function deploymentAt(
  { slots, directory, preinstalled }: Container,
  path: string,
): string | undefined {
  if (path === preinstalled) return path;
  const [found, own] = [dirname(path), directory].map((one) => statSync(one, { throwIfNoEntry: false }));
  const isHere = found !== undefined && found.dev === own?.dev && found.ino === own.ino;
  return isHere ? slots.find((slot) => basename(slot) === basename(path)) : undefined;
}

/** The directory of a container that a package of the distribution brought, or `undefined`. */
export function preinstalledPath({ preinstalled }: Container): string | undefined {
  return exists(join(preinstalled, 'info')) ? preinstalled : undefined;
}

/** The directory of an installed container: its active deployment, or what a package brought; `undefined` without one. */
export function installedPath(container: Container): string | undefined {
  return activePath(container) ?? preinstalledPath(container);
}

/** Which slot the directory of a deployment is; `undefined` for another one, such as a preinstalled one. */
export function slotOf(path: string): Slot | undefined {
  const suffix = /\.([01])$/.exec(basename(path))?.[1];
  return suffix === undefined ? undefined : (Number(suffix) as Slot);
}
