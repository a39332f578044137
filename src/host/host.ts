/** What the files of this directory need of a run: programs, log, user, signal. */
import type { Environment } from '../config.ts';
import type { Log } from '../log.ts';
import type { Manager } from './dbus/manager.ts';
import type { Processes } from './process.ts';

/** Who runs the program. */
export interface User {
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  /** Effective uid 0: "root mode"; anything else is "user mode". */
  readonly isRoot: boolean;
}

/** What the files of this directory need to reach the machine. */
export interface Host {
  readonly env: Environment;
  readonly user: User;
  readonly processes: Processes;
  /** Whether the systemd of the host, or an ordinary user's own, runs, and can start and stop units. */
  readonly hasManager: boolean;
  readonly log: Log;
  /** Where systemd listens for us; absent when only systemctl(1) may ask it. */
  readonly managerSocket?: string | undefined;
  /** A connection to it that is kept while a service is down. */
  readonly manager?: Manager | undefined;
  /** Aborted, with an `Interrupted` as its reason, when a signal asks us to stop. */
  readonly signal: AbortSignal;
}
