/** Everything that one run of the program works with; made once and passed down. */
import { isAbsolute, resolve } from 'node:path';
import type { Config, Environment } from './config.ts';
import { readConfig } from './config.ts';
import type { Report } from './events.ts';
import type { Host, User } from './host/host.ts';
import { createProcesses } from './host/process.ts';
import { findManager } from './host/service-manager.ts';
import { openLog } from './log.ts';
import { type Paths, pathsOf } from './paths.ts';

export interface Context extends Host {
  readonly config: Config;
  readonly paths: Paths;
  readonly report: Report;
  /**
   * The directory that relative paths on the command line are relative to; somebody may have removed it. Ask
   * {@link absolutePath}, which needs it for relative paths only.
   */
  readonly cwd: () => string;
  /** How this program was called, perhaps by a relative path. */
  readonly program: string;
}

/** What `main.ts` finds in the process, and nothing else reads. */
export interface Surroundings {
  readonly env: Environment;
  readonly user: User;
  readonly cwd: () => string;
  readonly program: string;
  readonly signal: AbortSignal;
  /** Whether some signal is ignored, as nohup(1) has it: programs that we run are not to hear it either. */
  readonly ignoresSignals: boolean;
}

/** What the program says while it works. */
export interface Channels {
  readonly report: Report;
  /** A line of the debug log; absent when nobody wants one. */
  readonly debug: ((line: string) => void) | undefined;
}

/** systemd's own socket, for root; systemctl(1) uses it, too. */
const MANAGER_SOCKET = '/run/systemd/private';

/**
 * Reads the configuration and makes the context of a run.
 *
 * @throws AtomicError when the configuration file is bad, see `readConfig`
 */
export async function openContext(surroundings: Surroundings, { report, debug }: Channels): Promise<Context> {
  const { user, cwd, program, signal, ignoresSignals } = surroundings;
  const config = await readConfig(surroundings.env);
  const env = withProxies(surroundings.env, config);
  const log = await openLog(debug);
  const processes = createProcesses({ env, log, signal, isApart: ignoresSignals });
  const paths = pathsOf(env, config, user);
  const hasManager = findManager({ env, user });
  const managerSocket = hasManager && user.isRoot ? MANAGER_SOCKET : undefined;
  const host = { env, hasManager, managerSocket, user, signal, log, processes };
  return { ...host, cwd, program, config, report, paths };
}

/**
 * The absolute form of a path that somebody typed.
 *
 * @throws AtomicError for a relative one when the current directory has been removed
 */
export function absolutePath({ cwd }: Pick<Context, 'cwd'>, typed: string): string {
  return isAbsolute(typed) ? resolve(typed) : resolve(cwd(), typed);
}

/** Programs get the proxies of the environment, in any case, else those of the configuration, in upper case. */
function withProxies(env: Environment, config: Config): Environment {
  const proxies = (['http_proxy', 'https_proxy', 'no_proxy'] as const).flatMap((key) => {
    const value = env[key.toUpperCase()] || env[key] || config[key];
    return value ? [[key.toUpperCase(), value]] : [];
  });
  return { ...env, ...Object.fromEntries(proxies) };
}

/** The same context for putting things back after an interrupt or a failure: deaf to signals, and quiet. */
export function shieldedFrom(context: Context): Context {
  return {
    ...context,
    env: { ...context.env, ATOMIC_TEST_FAULT: undefined },
    processes: context.processes.shielded(),
    signal: new AbortController().signal,
    report: () => undefined,
  };
}
