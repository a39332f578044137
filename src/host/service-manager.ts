/** Whether there is a service manager that can be asked: there is none in a chroot, or where an image is built. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { AtomicError, isErrno } from '../errors.ts';
import type { Host } from './host.ts';

/**
 * Whether the systemd of the host, or, for an ordinary user, his own, can start and stop units here. Without it, units
 * can still be enabled and disabled.
 */
export function findManager({ env, user }: Pick<Host, 'env' | 'user'>): boolean {
  if (/^(1|y|yes|t|true|on)$/i.test(env.SYSTEMD_OFFLINE ?? '')) return false;
  if (!user.isRoot)
    return existsSync(join(env.XDG_RUNTIME_DIR || `/run/user/${user.uid}`, 'systemd/private'));
  // sd_booted(3); the directories of a host may be mounted in a chroot
  return existsSync('/run/systemd/system') && !isInChroot();
}

/** systemctl(1) decides it in the same way: who may not look is told nothing, and takes itself to be in none. */
function isInChroot(): boolean {
  const own = statSync('/');
  try {
    const first = statSync('/proc/1/root', { throwIfNoEntry: false });
    return own.dev !== first?.dev || own.ino !== first.ino;
  } catch (error) {
    if (isErrno(error, 'EACCES', 'EPERM')) return false;
    throw error;
  }
}

/**
 * Why a unit cannot be started, or asked for.
 *
 * @param what cannot be done, with a colon; may be empty
 */
export function noManager({ user, env }: Host, what: string): AtomicError {
  if (!user.isRoot)
    return new AtomicError(`${what}your own systemd does not run`, {
      hint: `log in, or let root run 'loginctl enable-linger ${env.USER || user.uid}'`,
    });
  return new AtomicError(`${what}systemd does not run here`, {
    hint: 'in a chroot, and where an image is built, services are only enabled',
  });
}

/** What setrlimit(2) limits. */
const LIMITS =
  'CPU FSIZE DATA STACK CORE RSS NOFILE AS NPROC MEMLOCK LOCKS SIGPENDING MSGQUEUE NICE RTPRIO RTTIME'.split(
    ' ',
  );

/**
 * The hard limits of what an ordinary user's manager starts, by names such as `RLIMIT_NOFILE`; none where it does not
 * run.
 */
export async function hardLimits(host: Host): Promise<ReadonlyMap<string, number>> {
  if (!host.hasManager) return new Map();
  const properties = LIMITS.map((name) => `DefaultLimit${name}`).join(',');
  const args = ['--user', 'show', `--property=${properties}`];
  const { stdout } = await host.processes.run({ tool: 'systemctl', args, env: { LC_ALL: 'C' } });
  return new Map(stdout.trim().split('\n').map(parseLimit));
}

/** Parses a line such as `DefaultLimitNOFILE=524288`; `infinity` is no limit. */
function parseLimit(line: string): readonly [string, number] {
  const [property = '', value = ''] = line.split('=');
  return [
    property.replace('DefaultLimit', 'RLIMIT_'),
    value === 'infinity' ? Number.POSITIVE_INFINITY : Number(value),
  ];
}
