/** Names of processes that are never given twice, unlike process ids, which begin anew at each boot. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isErrno } from '../errors.ts';

/** The name of this process: `PID-BIRTH`, the birth in 8 hex digits. */
export function processName(): string {
  return `${process.pid}-${birthOf(process.pid) ?? ''}`;
}

/** Whether the process of that name still runs. */
export function isAlive(name: string): boolean {
  const [pid, birth] = name.split('-');
  return birth !== undefined && birthOf(Number(pid)) === birth;
}

/** The boot and the time since it at which a process began (proc_pid_stat(5), field 22), as a short digest. */
function birthOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8');
    // the name of the program, in brackets, may hold anything
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return createHash('sha256').update(`${boot} ${fields[19]}`).digest('hex').slice(0, 8);
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ESRCH')) return undefined;
    throw error;
  }
}
