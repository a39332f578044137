/** Has systemd read its units again, unless that would change nothing. */
import type { Context } from '../../context.ts';
import { ifPossible } from '../../errors.ts';
import * as systemd from '../../host/systemd.ts';
import { waitForAll } from '../../wait-for-all.ts';
import type { Container } from '../deployments/container.ts';
import { readDeployment } from '../deployments/deployment.ts';
import { changesOthers } from '../rendering/unit.ts';
import { type Links, renewLinks } from './links.ts';

/** A unit that has its place on the host, or is to have none. */
interface PlacedUnit {
  readonly links: Links;
  /** Its text. */
  readonly unit: string | undefined;
  /** Whether there has never been one of the container. */
  readonly wasNone: boolean;
}

/**
 * Makes the links, and has systemd read its units again unless that would change nothing: a unit that it does not know
 * is read when it is started for the first time.
 *
 * @returns whether it has read them again; systemctl enable and reenable make it do so where it runs
 */
export async function tellSystemd(
  context: Context,
  container: Container,
  { links, unit, wasNone }: PlacedUnit,
): Promise<boolean> {
  const { service } = container;
  if (wasNone && unit === undefined) return false;
  if (links === 'enable' && unit !== undefined && mayBeUnknown(context, unit)) {
    const [isKnown] = await waitForAll([
      systemd.isKnown(context, service),
      systemd.enableWithoutReload(context, service),
    ]);
    if (isKnown) await systemd.daemonReload(context);
    return isKnown;
  }
  if (links === 'enable') await systemd.enable(context, service);
  else if (links === 'reenable') await renewLinks(context, container);
  else await systemd.daemonReload(context);
  return context.hasManager;
}

/** A user's systemctl has no way around the reload; what changes other units has to be known to systemd. */
const mayBeUnknown = ({ user, hasManager }: Context, unit: string) =>
  hasManager && user.isRoot && !changesOthers(unit);

/** Whether an install of this unit, or of none, has systemd read its units again; what it knows now decides. */
export async function needsReload(
  context: Context,
  { service }: Container,
  unit: string | undefined,
): Promise<boolean> {
  if (unit === undefined || !context.hasManager) return false;
  return !mayBeUnknown(context, unit) || (await systemd.isKnown(context, service));
}

/** Where systemd looks for units and their drop-ins, and its generators for what they make units of. */
const UNITS =
  /^\/((etc|run|(usr\/)?lib|usr\/local\/lib)\/systemd\/(system|user)(-generators|\.control)?|etc\/init\.d|(etc|usr\/share)\/containers\/systemd)\//;

/** Whether there are units and drop-ins among the host files of these deployments: systemd has to know when they come or go. */
export function haveUnits(name: string, paths: readonly (string | undefined)[]): boolean {
  const recorded = (path: string | undefined) =>
    path === undefined ? undefined : ifPossible(() => readDeployment(name, path).info['installed-files']);
  return hasUnits(paths.flatMap((path) => recorded(path) ?? []));
}

const hasUnits = (files: readonly string[]) => files.some((file) => UNITS.test(file));

/** Lets systemd know of units and drop-ins among the host files of these deployments, which have come or gone. */
export async function reloadForHostFiles(
  context: Context,
  name: string,
  paths: readonly (string | undefined)[],
): Promise<void> {
  if (haveUnits(name, paths)) await systemd.daemonReload(context);
}

/** Lets systemd know when there are units and their drop-ins among paths that have come or gone. */
export async function reloadForUnits(context: Context, files: readonly string[]): Promise<void> {
  if (hasUnits(files)) await systemd.daemonReload(context);
}
