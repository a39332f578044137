/** Whose the unit and tmpfiles.d files of a container's name are on the host: its own, changed ones, or an administrator's. */
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import type { Context } from '../../context.ts';
import { ifPossible, isErrno } from '../../errors.ts';
import { exists, readIfPresent } from '../../host/files/files.ts';
import { PACKAGED_UNITS } from '../../host/systemd.ts';
import {
  type Container,
  isDirectory,
  preinstalledPath,
  type Slot,
  tmpfilesCopy,
  unitCopy,
} from './container.ts';
import { readDeployment } from './deployment.ts';

/**
 * `own`: as one of the deployments has it. `changed`: that of a deployment, edited, or masked. `foreign`: no deployment
 * of the container has such a file.
 */
export type FileOwner = 'absent' | 'own' | 'changed' | 'foreign';

/** A unit or tmpfiles.d file on the host. */
export interface HostFileState {
  readonly owner: FileOwner;
  /** Its text; `undefined` when there is none, or it is a link or a directory. */
  readonly text: string | undefined;
}

/** Whose the unit file of a container is. One that runs a slot whose deployment is lost is its own, as far as is known. */
export function unitState(container: Container): HostFileState {
  const copies = copiesIn(container, unitCopy);
  const state = stateOf(container.unit, copies);
  if (state.owner === 'changed' && runsLostSlot(container, state.text)) return { ...state, owner: 'own' };
  if (state.owner !== 'foreign' || !runsSlot(container, state.text)) return state;
  if (!hasDeployments(container)) return { ...state, owner: 'own' };
  return hasService(container) ? { ...state, owner: 'changed' } : state;
}

/** Whether one of the deployments says that it has a service, though its copy of the unit may be gone. */
function hasService(container: Container): boolean {
  return deploymentsOf(container).some(
    (path) => ifPossible(() => readDeployment(container.name, path))?.info['has-container-service'],
  );
}

/** Whose the tmpfiles.d file of a container is; without any deployment, that goes by the unit. */
export function tmpfilesState(container: Container, unit: HostFileState): HostFileState {
  const state = stateOf(container.tmpfiles, copiesIn(container, tmpfilesCopy));
  if (state.owner !== 'foreign' || hasDeployments(container)) return state;
  return unit.owner === 'own' && state.text !== undefined ? { ...state, owner: 'own' } : state;
}

/** Whether the unit of that name is there, and the container's, be it changed. */
export function hasOwnUnit(container: Container): boolean {
  return ['own', 'changed'].includes(unitState(container).owner);
}

/** Whether the unit of that name is somebody else's. That of a container which a package brought may be anybody's. */
export function hasForeignUnit(container: Container): boolean {
  return unitState(container).owner === 'foreign' && preinstalledPath(container) === undefined;
}

/**
 * The unit of a package that the unit of a container hides, or would hide, since it has priority; `undefined` when there
 * is none.
 */
export function hiddenUnit({ user }: Context, container: Container): string | undefined {
  if (preinstalledPath(container) !== undefined) return undefined;
  const manager = user.isRoot ? 'system' : 'user';
  return PACKAGED_UNITS.map((place) => join(place, manager, container.service)).find(exists);
}

/** Whether a unit names one of the slots. */
export function runsSlot({ slots }: Container, text: string | undefined): boolean {
  return slots.some((slot) => text?.includes(slot));
}

function runsLostSlot({ slots, saved }: Container, text: string | undefined): boolean {
  return slots.some(
    (slot, index) => text?.includes(slot) && !isDirectory(slot) && !isDirectory(saved(index as Slot)),
  );
}

function stateOf(path: string, copies: readonly string[]): HostFileState {
  const entry = lstatSync(path, { throwIfNoEntry: false });
  if (entry === undefined) return { owner: 'absent', text: undefined };
  const text = entry.isFile() ? readReadable(path) : undefined;
  if (text !== undefined && copies.includes(text)) return { owner: 'own', text };
  return { owner: copies.length > 0 ? 'changed' : 'foreign', text };
}

/** All directories that hold a deployment of the container, also those that a change has put aside. */
function deploymentsOf({ slots, saved }: Container): readonly string[] {
  const indices: readonly Slot[] = [0, 1];
  return [...slots, ...indices.map(saved)].filter(isDirectory);
}

const hasDeployments = (container: Container) => deploymentsOf(container).length > 0;

function copiesIn(
  container: Container,
  copyIn: (deployment: string, name: string) => string,
): readonly string[] {
  return deploymentsOf(container).flatMap((path) => readReadable(copyIn(path, container.name)) ?? []);
}

function readReadable(path: string): string | undefined {
  try {
    return readIfPresent(path);
  } catch (error) {
    if (isErrno(error, 'EACCES', 'EISDIR', 'ELOOP')) return undefined;
    throw error;
  }
}
