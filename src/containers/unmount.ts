/** `atomic unmount`: unmounts what `atomic mount` has mounted, and nothing else. */
import { realpathSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { absolutePath, type Context } from '../context.ts';
import { AtomicError, isErrno, ToolError } from '../errors.ts';
import { warn } from '../events.ts';
import { faultPoint } from '../faults.ts';
import { mountTable, unmount } from '../host/mount.ts';
import { isMountOf, lockMounts, type MountDirectory, mountDirectories, mountsOf } from './mounts/record.ts';
import { endMount } from './mounts/sweep.ts';

const MOST_RETRIES = 10;
/** In milliseconds. */
const RETRY_INTERVAL = 1000;

/**
 * Ends a mount of ours, or removes the files that were put into a directory in its place.
 *
 * @param typed the directory
 * @throws AtomicError when neither we nor the mount table know of a mount of ours there, or somebody still uses it
 */
export async function unmountFrom(context: Context, typed: string): Promise<void> {
  const none = new AtomicError(`No device mounted at ${typed}`);
  const target = realpathIfPresent(absolutePath(context, typed));
  if (target === undefined || mountDirectories(context).length === 0) throw none;
  await using _lock = await lockMounts(context);
  const directory = mountDirectories(context).find((candidate) => isMountedOn(candidate, target));
  if (directory === undefined) throw none;
  if (directory.record?.state === 'mounted') await unmountPatiently(context, target, typed);
  await faultPoint(context, 'unmount.done');
  // somebody may have bound the mount to another place
  if (mountsOf(directory).length === 0) await endMount(context, directory);
}

function realpathIfPresent(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}

/** What counts is what is on top: another mount may have come over ours. */
function isMountedOn(directory: MountDirectory, target: string): boolean {
  if (directory.record?.target !== target) return false;
  if (directory.record.state !== 'mounted') return directory.record.state === 'extracted';
  const top = mountTable().findLast(({ point }) => point === target);
  return top !== undefined && isMountOf(directory, top);
}

async function unmountPatiently(context: Context, target: string, typed: string): Promise<void> {
  for (let retry = 1; ; retry++) {
    const reason = await reasonNotToUnmount(context, target);
    if (reason === undefined) return;
    if (retry > MOST_RETRIES) throw new AtomicError(`Unable to unmount ${typed} due to ${reason}`);
    warn(context, `Warning: ${reason}`);
    warn(context, `Retrying ${retry}/${MOST_RETRIES} to unmount ${typed}`);
    await sleep(RETRY_INTERVAL, undefined, { signal: context.signal }).catch(() => undefined);
    context.signal.throwIfAborted();
  }
}

async function reasonNotToUnmount(context: Context, target: string): Promise<string | undefined> {
  try {
    await unmount(context, target);
    return undefined;
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    return error.failure.stderr.trim() || error.message;
  }
}
