import type { Environment } from '../config.ts';
import type { Log } from '../log.ts';
import type { User } from '../paths.ts';
import type { Processes } from './process.ts';

/** What the files of this folder need to reach the machine. */
export interface Host {
  readonly env: Environment;
  readonly user: User;
  readonly processes: Processes;
  readonly log: Log;
}
