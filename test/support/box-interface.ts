/** What tests ask of a box, whether it is booted or this host. */
import type { Outcome, RunOptions } from './run-program.ts';

export interface BoxOptions {
  /** `host:port` of the registry that stands in for all others. */
  readonly registry?: string;
  /** Where a box writes that loses its power when it is disposed of; what it wrote stays there. */
  readonly storage?: BoxStorage;
  /** Whether the box is laid out as a host that OSTree manages. */
  readonly isOstreeHost?: boolean;
  /** The directory of .cache/boxes that keeps what was run in the box, its console and its journal. */
  readonly record?: string;
}

/** Directories on the disk of a box; one that has been booted from them before finds itself as it was. */
export interface BoxStorage {
  /** For the layers of the overlay that is `/` of the box; they are made when they are not there. */
  readonly root: string;
  /** What is /var/lib/containers in the box. */
  readonly containers: string;
}

export interface Box extends AsyncDisposable {
  /** Runs a program in the box and waits for it; never throws for an exit status. */
  run(argv: readonly string[], options?: RunOptions): Promise<Outcome>;
  /** `run` for a line of shell. */
  sh(line: string, options?: RunOptions): Promise<Outcome>;
  /** Makes a server on 127.0.0.1 of the host, `127.0.0.1:PORT`, one of the box as well. */
  reach(address: string): Promise<void>;
  /** The directory on the host that is /var/lib/containers in the box. */
  readonly containers: string;
  /** What has to precede a command of the host so that it runs in the box. */
  readonly entrance: readonly string[];
}
