/** Cleans up after mounts, whether unmounted or lost to a kill or a reboot. */
import { type Context, shieldedFrom } from '../../context.ts';
import { warn } from '../../events.ts';
import { exists } from '../../host/files/files.ts';
import { unmountLazily } from '../../host/mount.ts';
import { removeStaleFolder } from '../../images/store/stale-folder.ts';
import { removeExtracted } from './copies.ts';
import { lockMounts, type MountDirectory, mountDirectories, mountsOf } from './record.ts';

/** Removes what mounts have left that are over. */
export async function sweepMounts(context: Context): Promise<void> {
  if (mountDirectories(context).length === 0) return;
  await using _lock = await lockMounts(context);
  await sweepLocked(context);
}

/** {@link sweepMounts} for who has the lock. */
export async function sweepLocked(context: Context): Promise<void> {
  for (const directory of mountDirectories(context))
    if (isOver(directory)) await endMount(context, directory);
}

function isOver(directory: MountDirectory): boolean {
  const { record } = directory;
  if (record?.state === 'extracted') return !exists(record.target);
  return mountsOf(directory).length === 0;
}

/** Removes what was put into a directory for a mount, and all that was kept for it. */
export async function endMount(context: Context, directory: MountDirectory): Promise<void> {
  const { path, record } = directory;
  if (record !== undefined && record.state !== 'mounted')
    reportKept(context, removeExtracted(directory, record.target));
  await removeStaleFolder(context, path);
}

function reportKept(context: Context, kept: readonly string[]): void {
  const [first, ...others] = kept;
  if (first === undefined) return;
  const more = others.length === 0 ? '' : ` and ${others.length} more`;
  warn(context, `Keeping ${first}${more}: changed or added since it was mounted`);
}

/** Undoes a mount that did not succeed. */
export async function abandonMount(context: Context, directory: MountDirectory): Promise<void> {
  const shielded = shieldedFrom(context);
  for (const { point } of mountsOf(directory)) await unmountLazily(shielded, point);
  await endMount(shielded, directory);
}
