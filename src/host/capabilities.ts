/** Lists the capabilities that the running kernel knows (capabilities(7)). */
import { readFile } from 'node:fs/promises';
import type { Host } from './host.ts';

/** In the order of their numbers, linux/capability.h. */
const NAMES = (
  'CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE ' +
  'NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN ' +
  'SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE ' +
  'MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE'
)
  .split(' ')
  .map((name) => `CAP_${name}`);

const LAST_CAPABILITY = '/proc/sys/kernel/cap_last_cap';

/** The names of all of the kernel's capabilities; those newer than this file come from capsh(1). */
export async function kernelCapabilities(host: Host): Promise<readonly string[]> {
  const last = Number.parseInt(await readFile(LAST_CAPABILITY, 'utf8'), 10);
  const known = NAMES.slice(0, last + 1);
  const newer = Array.from(
    { length: Math.max(0, last + 1 - NAMES.length) },
    (_, index) => NAMES.length + index,
  );
  return [...known, ...(await Promise.all(newer.map((number) => askCapsh(host, number))))];
}

async function askCapsh(host: Host, number: number): Promise<string> {
  const tool = host.env.CAPSH_PATH || '/usr/sbin/capsh';
  const mask = (1n << BigInt(number)).toString(16);
  const { stdout } = await host.processes.run({ tool, args: [`--decode=0x${mask}`] });
  return (stdout.trim().split('=')[1] ?? '').toUpperCase();
}
