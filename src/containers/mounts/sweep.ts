/** Cleans up after mounts, whether unmounted or lost to a kill or a reboot. */

import { type Context, shieldedFrom } from '../../context.ts';
import { warn } from '../../events.ts';
import { exists } from '../../host/files/files.ts';
import { unmountLazily } from '../../host/mount.ts';
import { removeStaleFolder } from '../../images/store/stale-folder.ts';
import { removeExtracted } from './copies.ts';
import { lockMounts, type MountFolder, mountFolders, mountsOf } from './record.ts';

/** Removes what mounts have left that are no more. */
export async function sweepMounts(context: Context): Promise<void> {
  if (mountFolders(context).length === 0) return;
  await using _lock = await lockMounts(context);
  await sweepLocked(context);
}

/** {@link sweepMounts} for who has the lock. */
export async function sweepLocked(context: Context): Promise<void> {
  for (const folder of mountFolders(context)) if (isOver(folder)) await endMount(context, folder);
}

function isOver(folder: MountFolder): boolean {
  const { record } = folder;
  if (record?.state === 'extracted') return !exists(record.target);
  return mountsOf(folder).length === 0;
}

/** Removes what was put into a folder for a mount, and all that was kept for it. */
export async function endMount(context: Context, folder: MountFolder): Promise<void> {
  const { path, record } = folder;
  if (record !== undefined && record.state !== 'mounted')
    reportKept(context, removeExtracted(folder, record.target));
  await removeStaleFolder(context, path);
}

function reportKept(context: Context, kept: readonly string[]): void {
  const [first, ...others] = kept;
  if (first === undefined) return;
  const more = others.length === 0 ? '' : ` and ${others.length} more`;
  warn(context, `Keeping ${first}${more}: changed or added since it was mounted`);
}

/** Undoes a mount that did not succeed. */
export async function abandonMount(context: Context, folder: MountFolder): Promise<void> {
  const shielded = shieldedFrom(context);
  for (const { point } of mountsOf(folder)) await unmountLazily(shielded, point);
  await endMount(shielded, folder);
}
