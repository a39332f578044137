/** What the domain tells the person while it works; `cli/output/progress.ts` turns it into lines. */
export type ProgressEvent =
  /** The layers of an image are being checked out to `path`. */
  | { readonly kind: 'extracting'; readonly path: string }
  /** A file was put on the host. */
  | { readonly kind: 'created-file'; readonly path: string }
  /** A command that changes the host is about to run; shown as typed. */
  | { readonly kind: 'command'; readonly argv: readonly string[] }
  /** Anything else worth a line on stdout. */
  | { readonly kind: 'note'; readonly text: string }
  /** Something is wrong, but work goes on; one line on stderr. */
  | { readonly kind: 'warning'; readonly text: string }
  /** Waiting for a lock; shown on a terminal only. */
  | { readonly kind: 'waiting'; readonly text: string };

export type Report = (event: ProgressEvent) => void;
