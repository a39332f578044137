/** The links by which systemd starts a service at boot: on disk when they are made, gone for good when it goes. */
import { join } from 'node:path';
import type { Context } from '../../context.ts';
import {
  entriesIfPresent,
  exists,
  readLinkIfPresent,
  removeIfPresent,
  syncPath,
} from '../../host/files/files.ts';

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
