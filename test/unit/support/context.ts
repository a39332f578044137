/** A context for functions that look at it, and run nothing. */
import type { Config } from '../../../src/config.ts';
import type { Context } from '../../../src/context.ts';
import type { ProgressEvent } from '../../../src/events.ts';
import { createProcesses } from '../../../src/host/process.ts';
import { pathsOf } from '../../../src/paths.ts';

export interface TestContext extends Context {
  /** What has been reported. */
  readonly events: readonly ProgressEvent[];
}

/** The context of root, or of somebody else, with everything below `checkouts`. */
export function contextFor({
  checkouts = '/nowhere',
  uid = 0,
}: {
  checkouts?: string;
  uid?: number;
} = {}): TestContext {
  const env = { PATH: process.env.PATH, ATOMIC_OSTREE_CHECKOUT_PATH: checkouts };
  const user = { uid, gid: uid, home: '/home/somebody', isRoot: uid === 0 };
  const config = { default_storage: 'ostree' } as Config;
  const { signal } = new AbortController();
  const log = { debug: () => undefined };
  const events: ProgressEvent[] = [];
  return {
    env,
    user,
    config,
    signal,
    log,
    events,
    paths: pathsOf(env, config, user),
    processes: createProcesses({ env, log, signal }),
    report: (event) => events.push(event),
    cwd: () => '/',
    program: '/usr/bin/atomic',
    hasManager: true,
  };
}
