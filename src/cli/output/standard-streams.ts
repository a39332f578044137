/** Writes to standard output and standard error, and remembers their errors instead of throwing them. */
import type { Writable } from 'node:stream';
import { isErrno } from '../../errors.ts';
import type { Output } from './output.ts';
import { printable } from './printable.ts';

export interface Terminals {
  readonly stdoutIsTty: boolean;
}

/** Of a terminal that tells no width, such as a serial line. */
const USUAL_COLUMNS = 80;

export interface StandardStreams {
  readonly output: Output;
  /** What the first write that failed, on either of them, failed with; a reader that has gone away is no failure. */
  failure(): Error | undefined;
}

/**
 * Wraps the two streams. An error of one is remembered and never thrown: the outcome of the work is not to depend on
 * who reads about it. Nothing more is written to a stream that has failed.
 */
export function standardStreams(
  {
    stdout,
    stderr,
  }: { readonly stdout: Writable & { readonly columns?: number }; readonly stderr: Writable },
  terminals: Terminals,
): StandardStreams {
  const broken = new Map<Writable, Error>();
  const breakDown = (stream: Writable, error: Error) => {
    if (!broken.has(stream)) broken.set(stream, error);
  };
  for (const stream of [stdout, stderr]) stream.on('error', (error) => breakDown(stream, error));
  const write = (stream: Writable, text: string | Uint8Array) => {
    if (broken.has(stream)) return;
    try {
      stream.write(text);
    } catch (error) {
      breakDown(stream, error as Error);
    }
  };
  return {
    output: {
      line: (text) => write(stdout, `${printable(text)}\n`),
      write: (text) => write(stdout, text),
      warn: (text) => write(stderr, `${printable(text)}\n`),
      columns: () => stdout.columns || USUAL_COLUMNS,
      ...terminals,
    },
    failure: () => [...broken.values()].find((error) => !hasGone(error)),
  };
}

/** A reader that has seen enough, such as head(1), or a connection that was cut. */
function hasGone(error: Error): boolean {
  return isErrno(error, 'EPIPE', 'ECONNRESET', 'ERR_STREAM_DESTROYED');
}
