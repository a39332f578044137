/** A way from inside a box, which has a network of its own, to a server on 127.0.0.1 of the host. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';

export interface Tunnel {
  /** Takes the way down; waits for nothing, so that it can be called at the end of a process. */
  close(): void;
}

/**
 * Makes `address` reachable at the same address in the box: through a socket in the file system, which does not care
 * for networks.
 *
 * @param folder where the socket may be
 */
export async function openTunnel(leader: number, address: string, folder: string): Promise<Tunnel> {
  const [host = '', port = ''] = address.split(':');
  const path = join(folder, `port-${port}`);
  const outside = socat([], `UNIX-LISTEN:${path},fork`, `TCP:${address}`);
  const inNetwork = ['nsenter', '-t', String(leader), '-n'];
  const listener = `TCP-LISTEN:${port},bind=${host},fork,reuseaddr`;
  const inside = socat(inNetwork, listener, `UNIX-CONNECT:${path}`);
  const tunnel = { close: () => [inside, outside].map(killGroup) };
  try {
    await waitUntilOpen(inNetwork, address);
  } catch (error) {
    tunnel.close();
    throw error;
  }
  return tunnel;
}

/** In a process group of its own: each connection is a process. */
function socat(prefix: readonly string[], from: string, to: string): ChildProcess {
  const [tool = '', ...args] = [...prefix, 'socat', from, to];
  return spawn(tool, args, { detached: true, stdio: 'ignore' });
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // it is gone
  }
}

async function waitUntilOpen([tool = '', ...prefix]: readonly string[], address: string): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const args = [...prefix, 'curl', '--silent', '--output', '/dev/null', `http://${address}/v2/`];
    const { exitCode } = await execa(tool, args, { reject: false });
    if (exitCode === 0) return;
    await sleep(20);
  }
  throw new Error(`${address} cannot be reached from the box`);
}
