/** The unit and tmpfiles.d files of a container on the host, and what systemd is told of them. */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Context } from '../../context.ts';
import { AtomicError } from '../../errors.ts';
import { note, warn } from '../../events.ts';
import { faultPoint } from '../../faults.ts';
import {
  createFile,
  exists,
  readIfPresent,
  removeIfPresent,
  removeTemporary,
  replaceFile,
  syncPath,
} from '../../host/files/files.ts';
import * as systemd from '../../host/systemd.ts';
import { createTmpfiles, removeTmpfiles, tmpfilesArgv } from '../../host/tmpfiles.ts';
import { waitForAll } from '../../wait-for-all.ts';
import { type Container, tmpfilesCopy, unitCopy } from '../deployments/container.ts';
import { type HostFileState, runsSlot, tmpfilesState, unitState } from '../deployments/unit-owner.ts';
import { type Enablement, linksFor, syncLinks } from './links.ts';
import { tellSystemd } from './reload.ts';

/** Values that are filled in may be secrets; systemd-tmpfiles(8) runs as root. */
const PRIVATE = 0o600;

/**
 * Makes sure that the files of the deployment in `path` have their places on the host.
 *
 * @throws AtomicError when somebody else's file has one
 */
export function requireFreeUnitPlaces(container: Container, path: string): void {
  const unit = unitState(container);
  const places = [
    { file: container.unit, state: unit, copy: unitCopy(path, container.name) },
    {
      file: container.tmpfiles,
      state: tmpfilesState(container, unit),
      copy: tmpfilesCopy(path, container.name),
    },
  ];
  for (const { file, state, copy } of places)
    if (state.owner === 'foreign' && exists(copy)) throw alreadyExists(file);
}

/** What is said when a unit or tmpfiles.d file of the name of a container is there already. */
export function alreadyExists(file: string): AtomicError {
  return new AtomicError(`The file ${file} already exists.`, { hint: 'remove it or choose another --name' });
}

/**
 * Installs the unit and the tmpfiles.d file of the deployment in `path`, or removes what it has not, and lets systemd
 * know; all of it is on disk when this returns. Starts and stops nothing. Files that are not ours stay.
 *
 * @returns the lines that scripts know, in the order that they expect, for {@link announce}
 */
export async function installUnitFiles(
  context: Context,
  container: Container,
  { path, enablement }: { path: string; enablement: Enablement },
): Promise<readonly Line[]> {
  const [unitNow, tmpfilesNow] = [
    readIfPresent(unitCopy(path, container.name)),
    readIfPresent(tmpfilesCopy(path, container.name)),
  ];
  const unit = unitState(container);
  const tmpfiles = tmpfilesState(container, unit);
  const isReplaceable = unit.owner === 'own' || runsSlot(container, unit.text);
  await put(context, container.unit, unitNow, { ...unit, isReplaceable, mode: 0o644 });
  await put(context, container.tmpfiles, tmpfilesNow, {
    ...tmpfiles,
    isReplaceable: tmpfiles.owner === 'own',
    mode: PRIVATE,
  });
  await faultPoint(context, 'switch.units');
  const links = await linksFor(context, container, { enablement, before: unit.text, unit: unitNow });
  // what was changed is somebody else's word; ours is in the deployment
  const isOurs = readIfPresent(container.tmpfiles) === tmpfilesNow;
  const listed = isOurs ? container.tmpfiles : tmpfilesCopy(path, container.name);
  // later, a unit that is not there may still be in the memory of systemd: a command was killed when it had removed it
  const wasNone = enablement === 'enable' && unit.owner === 'absent';
  const [isReloaded] = await waitForAll([
    tellSystemd(context, container, { links, unit: unitNow, wasNone }),
    tmpfilesNow === undefined ? Promise.resolve() : createTmpfiles(context, listed),
  ]);
  if (links !== 'none') await syncLinks(context);
  return [
    ...(isReloaded ? [['systemctl', 'daemon-reload']] : []),
    ...(tmpfilesNow === undefined ? [] : [tmpfilesArgv('--create', container.tmpfiles)]),
    ...(links === 'none' ? [] : [['systemctl', links, container.name]]),
  ];
}

/** The words of a command; systemctl's without what an ordinary user's calls have. */
type Line = readonly string[];

/** Shows what {@link installUnitFiles} has done. */
export function announce(context: Context, lines: readonly Line[]): void {
  for (const [tool = '', ...words] of lines) {
    const argv = tool === 'systemctl' ? systemd.systemctlArgv(context, ...words) : [tool, ...words];
    context.report({ kind: 'command', argv });
  }
}

interface Found extends HostFileState {
  /** Whether the file may be replaced: it is ours, or could not work with another deployment. */
  readonly isReplaceable: boolean;
  readonly mode: number;
}

/** Makes a file of the host have this text, or removes it; what the administrator has changed or made stays. */
async function put(
  context: Context,
  path: string,
  text: string | undefined,
  { owner, text: found, isReplaceable, mode }: Found,
): Promise<void> {
  await removeTemporary(path);
  if (owner === 'absent' && text === undefined) return;
  if (owner !== 'absent' && found === text) return;
  const isKept = owner === 'foreign' || (owner === 'changed' && !(isReplaceable && text !== undefined));
  if (isKept) {
    const verb = text === undefined ? 'delete' : 'replace';
    if (text !== undefined || owner === 'changed')
      note(context, `Will not ${verb} ${path} as it was manually modified.`);
    return;
  }
  if (owner === 'changed' && found !== undefined) await keepCopy(context, path, found);
  if (text === undefined) await removeForGood(path);
  else {
    await makeDirectories(dirname(path));
    await replaceFile(path, text, mode);
  }
}

/** A unit that names a slot cannot stay as it is when the deployment changes; what was changed in it is kept. */
async function keepCopy(context: Context, path: string, text: string): Promise<void> {
  const copy = `${path}.save`;
  await removeIfPresent(copy);
  await createFile(copy, text);
  warn(context, `${path} was manually modified: it is replaced, and kept as ${copy}`);
}

/** Makes directories that an ordinary user need not have yet, on disk when this returns. */
async function makeDirectories(path: string): Promise<void> {
  if (exists(path)) return;
  await makeDirectories(dirname(path));
  await mkdir(path, { recursive: true });
  await syncPath(dirname(path));
}

async function removeForGood(path: string): Promise<void> {
  if (await removeIfPresent(path)) await syncPath(dirname(path));
}

/** Tries again once: when its container has gone, nobody could tell whose the file was. */
async function removeAtLast(path: string): Promise<void> {
  try {
    await removeForGood(path);
  } catch {
    await removeForGood(path);
  }
}

/** Removes the unit file for good; one that is not ours stays, which is said. */
export async function removeUnitFile(
  context: Context,
  { unit }: Container,
  { owner }: HostFileState,
): Promise<void> {
  await removeTemporary(unit);
  await removeUnlessKept(context, unit, owner);
}

/** Carries out what the tmpfiles.d file marks for removal, and removes it for good; one that is not ours stays. */
export async function removeTmpfilesFile(
  context: Context,
  { tmpfiles }: Container,
  { owner }: HostFileState,
): Promise<void> {
  await removeTemporary(tmpfiles);
  if (owner === 'own') await removeMarked(context, { shownAs: tmpfiles, file: tmpfiles });
  await removeUnlessKept(context, tmpfiles, owner);
}

async function removeUnlessKept(
  context: Context,
  path: string,
  owner: HostFileState['owner'],
): Promise<void> {
  if (owner === 'own') await removeAtLast(path);
  else if (owner !== 'absent') note(context, `Will not delete ${path} as it was manually modified.`);
}

/** tmpfiles.d(5): lines of these types, whatever modifiers they have, are all that `--remove` acts on. */
const MARKS_FOR_REMOVAL = /^\s*[rRD]/m;

/**
 * Removes what a tmpfiles.d file marks for removal; what cannot be removed stays.
 *
 * @returns whether it marks anything
 */
export async function removeMarked(
  context: Context,
  { file, shownAs }: { file: string; shownAs: string },
): Promise<boolean> {
  context.report({ kind: 'command', argv: tmpfilesArgv('--remove', shownAs) });
  const hasMarks = MARKS_FOR_REMOVAL.test(readIfPresent(file) ?? '');
  if (hasMarks) await removeTmpfiles(context, file).catch((error: unknown) => ignore(context, error));
  return hasMarks;
}

function ignore(context: Context, error: unknown): void {
  if (!(error instanceof AtomicError)) throw error;
  context.log.debug({ error: error.message }, 'systemd-tmpfiles failed');
}
