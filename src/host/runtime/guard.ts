/** Cleans up if this process is killed with SIGKILL. */
import type { Host } from '../host.ts';
import { placeOfContainers } from './runtime.ts';

/**
 * Waits for a line; when its standard input ends without one, whoever held the other end is dead. The names come as
 * arguments, so that nothing in them is ever read as a command.
 */
const SCRIPT = `
  read line && exit
  XDG_RUNTIME_DIR="\${6:-$XDG_RUNTIME_DIR}" "$1" delete --force "$2"
  test -e "$4" && systemd-tmpfiles --remove "$4"
  test -n "$5" && umount --lazy "$5"
  rm -rf --one-file-system "$3"`;

/** What is removed. */
export interface Guarded {
  readonly runtime: string;
  /** The container's. */
  readonly id: string;
  readonly folder: string;
  /** A tmpfiles.d file, for what it marks for removal; it need not exist yet. */
  readonly tmpfiles?: string;
  /** Where something is mounted, or will be. */
  readonly mountPoint?: string;
}

/** Starts the guard over a container and its folder; disposing of it stops the guard. */
export async function guardContainer(
  { processes, user }: Host,
  { runtime, id, folder, tmpfiles = '', mountPoint = '' }: Guarded,
): Promise<Disposable> {
  const place = placeOfContainers({ user }).XDG_RUNTIME_DIR ?? '';
  const args = ['-c', SCRIPT, 'atomic-guard', runtime, id, folder, tmpfiles, mountPoint, place];
  const guard = await processes.detached({ tool: 'sh', args });
  return { [Symbol.dispose]: () => guard.end('done\n') };
}
