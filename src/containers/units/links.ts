/** The links by which systemd starts a service at boot: on disk when they are made, gone for good when it goes. */
import { join, resolve } from 'node:path';
import type { Context } from '../../context.ts';
import {
  entriesIfPresent,
  exists,
  readLinkIfPresent,
  removeIfPresent,
  syncPath,
} from '../../host/files/files.ts';
import * as systemd from '../../host/systemd.ts';
import type { Container } from '../deployments/container.ts';
import { hiddenUnit } from '../deployments/unit-owner.ts';
import { installSectionOf } from '../rendering/unit.ts';

/**
 * What becomes of the links by which a service is started at boot: `enable` makes them; `keep` leaves them alone
 * unless the unit asks for others than the one before, and the administrator has not removed them; `refresh` is for
 * when nobody knows which unit was there before.
 */
export type Enablement = 'enable' | 'keep' | 'refresh';

/** What is done about the links. */
export type Links = 'none' | 'enable' | 'reenable';

/** Decides it, for a unit that takes the place of another, or of none. */
export async function linksFor(
  context: Context,
  { service }: Container,
  {
    enablement,
    before,
    unit,
  }: { enablement: Enablement; before: string | undefined; unit: string | undefined },
): Promise<Links> {
  if (unit === undefined) return 'none';
  if (enablement === 'enable') return 'enable';
  const isChanged = installSectionOf(before ?? '') !== installSectionOf(unit);
  const isDue = enablement === 'refresh' || isChanged;
  return isDue && (await systemd.isEnabled(context, service)) ? 'reenable' : 'none';
}

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

/** Removes, for good, the links that lead to a unit file; those of its name that lead to another's stay. */
export async function removeLinksTo(context: Context, unit: string): Promise<void> {
  for (const directory of [context.paths.units, ...linkDirectories(context)])
    for (const entry of entriesIfPresent(directory).filter((one) => one.isSymbolicLink())) {
      const link = join(directory, entry.name);
      if (resolve(directory, readLinkIfPresent(link) ?? '') === unit) await removeIfPresent(link);
    }
  await syncLinks(context);
}

/** Makes the links of a unit anew; those of a service of the host that has the same name stay, which systemctl would remove. */
export async function renewLinks(context: Context, container: Container): Promise<void> {
  const { service, unit } = container;
  if (hiddenUnit(context, container) === undefined) return await systemd.reenable(context, service);
  await removeLinksTo(context, unit);
  await systemd.enable(context, service);
}

function linkDirectories({ paths: { units } }: Context): readonly string[] {
  return entriesIfPresent(units)
    .filter((entry) => entry.isDirectory() && /\.(wants|requires|upholds)$/.test(entry.name))
    .map(({ name }) => join(units, name));
}
