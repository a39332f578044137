/** Makes the directories of containers and of images, of which other users have nothing. */
import type { Context } from '../../context.ts';
import { exists } from '../../host/files/files.ts';
import { closeToOthers, makeDirectories } from '../../host/files/make-directories.ts';
import { syncFileSystem } from '../../host/files/sync-file-system.ts';
import { initRepository } from '../../host/ostree/program.ts';
import { isRepository } from '../../host/ostree/refs.ts';
import { closeCheckouts } from './passage.ts';

/**
 * The mode of root's directories: images have set-id programs, which no other user may find (CVE-2021-41091). What
 * systemd and the runtime do with them they do as root, and what runs in a container has a root of its own.
 */
const CLOSED = 0o700;
const OPEN = 0o755;

/** Makes CK, the directory of all containers; one that is already there is closed to other users when it is root's. */
export async function makeCheckouts(context: Context): Promise<void> {
  const { paths, user } = context;
  await makeDirectories(paths.checkouts, user.isRoot ? CLOSED : OPEN);
  if (!user.isRoot) return;
  // whoever configured another directory may keep more in it
  if (paths.hasUsualCheckouts) closeCheckouts(context);
  if (exists(paths.storage)) closeToOthers(paths.storage, user.uid);
}

/** Makes the repository, on disk when it returns; fine when there is one. */
export async function makeRepository(context: Context): Promise<void> {
  const { paths, user } = context;
  const { repository, storage } = paths;
  if (isRepository(repository)) return;
  const mode = user.isRoot ? CLOSED : OPEN;
  if (repository.startsWith(`${storage}/`)) await makeDirectories(storage, mode);
  await makeDirectories(repository, mode);
  await initRepository(context, repository);
  await syncFileSystem(context, repository);
}
