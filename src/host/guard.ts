/** Clean-up for when this process is killed: SIGKILL leaves it no moment of its own. */
import { spawn } from 'node:child_process';
import type { Host } from './host.ts';

/**
 * Waits for a line; when its standard input ends without one, whoever held the other end is dead. The names come as
 * arguments, so that nothing in them is ever read as a command.
 */
const SCRIPT = `
  read line && exit
  "$1" delete --force "$2"
  test -e "$3/tmpfiles.conf" && systemd-tmpfiles --remove "$3/tmpfiles.conf"
  umount --lazy "$3/rootfs"
  rm -rf --one-file-system "$3"`;

/** What is taken away. */
export interface Guarded {
  readonly runtime: string;
  /** The container's. */
  readonly id: string;
  /** With what is mounted on its `rootfs`, and what its `tmpfiles.conf` marks for removal. */
  readonly folder: string;
}

/** Starts the guard over a container and its folder; disposing of it stops the guard. */
export function guardContainer({ env }: Host, { runtime, id, folder }: Guarded): Disposable {
  const guard = spawn('sh', ['-c', SCRIPT, 'atomic-guard', runtime, id, folder], {
    detached: true,
    cwd: '/',
    stdio: ['pipe', 'ignore', 'ignore'],
    env: env as NodeJS.ProcessEnv,
  });
  // without a guard, the next run of an image sweeps up
  guard.on('error', () => undefined);
  guard.stdin.on('error', () => undefined);
  guard.unref();
  return { [Symbol.dispose]: () => guard.stdin.end('done\n') };
}
