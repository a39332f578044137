/** Everything one run of the program works with; made once, by the command that runs, and passed down. */
import type { Config, Environment } from './config.ts';
import { readConfig } from './config.ts';
import type { Report } from './events.ts';
import type { Host, User } from './host/host.ts';
import { createProcesses } from './host/process.ts';
import { openLog } from './log.ts';
import { type Paths, pathsOf } from './paths.ts';

export interface Context extends Host {
  readonly config: Config;
  readonly paths: Paths;
  readonly report: Report;
  /** The folder that relative paths on the command line are relative to. */
  readonly cwd: string;
  /** How this program was called, absolute: `$ATOMIC` of templates. */
  readonly program: string;
}

/** What `main.ts` finds in the process, and nothing else reads. */
export interface Surroundings {
  readonly env: Environment;
  readonly user: User;
  readonly cwd: string;
  readonly program: string;
  readonly signal: AbortSignal;
}

/**
 * Reads the configuration and makes the context of a run.
 *
 * @throws AtomicError when the configuration file is bad, see `readConfig`
 */
export async function openContext(
  surroundings: Surroundings,
  { isDebug, report }: { isDebug: boolean; report: Report },
): Promise<Context> {
  const { user, signal } = surroundings;
  const config = await readConfig(surroundings.env);
  const env = withProxies(surroundings.env, config);
  const log = await openLog(isDebug);
  const processes = createProcesses({ env, log, signal });
  return { ...surroundings, env, config, log, processes, report, paths: pathsOf(env, config, user) };
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
