/** Finds out whose a listening socket of the file system is, without connecting to it. */
import { readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { basename } from 'node:path';

/**
 * Whether process 1 has the socket, and no other process: systemd waits to start a service at the first call. Those who
 * may not look into process 1 get no for an answer.
 */
export function isHeldByInitAlone(path: string): boolean {
  const inode = attempt(() => inodeOf(realpathSync(path)));
  if (inode === undefined || !hasSocket('1', inode)) return false;
  const others = readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && pid !== '1');
  return !others.some((pid) => hasSocket(pid, inode));
}

/** __SO_ACCEPTCON in /proc/net/unix: the socket listens, and is no connection to one that does. */
const LISTENS = '00010000';

/** /proc/net/unix has a line for each socket: …, flags, type, state, inode, path (proc_net(5)). */
function inodeOf(path: string): string | undefined {
  const lines = readFileSync('/proc/net/unix', 'utf8').split('\n');
  const name = `/${basename(path)}`;
  const sockets = lines.map((line) => line.split(/ +/)).filter((words) => words[7]?.endsWith(name));
  const found = sockets.find((words) => words[3] === LISTENS && realOf(words[7] ?? '') === path);
  return found?.[6];
}

function realOf(path: string): string {
  return attempt(() => realpathSync(path)) ?? path;
}

function hasSocket(pid: string, inode: string): boolean {
  const directory = `/proc/${pid}/fd`;
  const descriptors = attempt(() => readdirSync(directory)) ?? [];
  return descriptors.some(
    (descriptor) => attempt(() => readlinkSync(`${directory}/${descriptor}`)) === `socket:[${inode}]`,
  );
}

/** What is gone by now, or belongs to another user, cannot be read. */
function attempt<Result>(read: () => Result): Result | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
