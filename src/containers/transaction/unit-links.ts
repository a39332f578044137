/** The links by which systemd starts a service at boot, and letting it know of units that come and go. */
import { join } from 'node:path';
import type { Context } from '../../context.ts';
import { ifPossible } from '../../errors.ts';
import {
  entriesIfPresent,
  exists,
  readLinkIfPresent,
  removeIfPresent,
  syncPath,
} from '../../host/files/files.ts';
import * as systemd from '../../host/systemd.ts';
import { readDeployment } from '../deployments/deployment.ts';

/** Puts on disk what systemctl has made and removed: systemd.unit(5) has these directories beside the units. */
export async function syncLinks(context: Context): Promise<void> {
  for (const directory of linkDirectories(context)) await syncPath(directory);
  if (exists(context.paths.units)) await syncPath(context.paths.units);
}

/** Removes the links by which a service is started at boot, for good: nobody else would, once its unit is gone. */
export async function removeLinks(context: Context, service: string): Promise<void> {
  for (const directory of linkDirectories(context)) {
    const link = join(directory, service);
    if (readLinkIfPresent(link) !== undefined) await removeIfPresent(link);
  }
  await syncLinks(context);
}

function linkDirectories({ paths: { units } }: Context): readonly string[] {
  return entriesIfPresent(units)
    .filter((entry) => entry.isDirectory() && /\.(wants|requires|upholds)$/.test(entry.name))
    .map(({ name }) => join(units, name));
}

/** Where systemd looks for units and their drop-ins. */
const UNITS = /^\/(etc|run|(usr\/)?lib|usr\/local\/lib)\/systemd\/(system|user)\//;

/** Units and drop-ins among the host files of these deployments have come or gone: systemd has to know. */
export async function reloadForHostFiles(
  context: Context,
  name: string,
  paths: readonly (string | undefined)[],
): Promise<void> {
  const recorded = (path: string | undefined) =>
    path === undefined ? undefined : ifPossible(() => readDeployment(name, path).info['installed-files']);
  await reloadForUnits(
    context,
    paths.flatMap((path) => recorded(path) ?? []),
  );
}

/** Lets systemd know when there are units and their drop-ins among paths that have come or gone. */
export async function reloadForUnits(context: Context, paths: readonly string[]): Promise<void> {
  if (paths.some((path) => UNITS.test(path))) await systemd.daemonReload(context);
}
