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
  /** Waiting for somebody or something; shown on a terminal only. */
  | { readonly kind: 'waiting'; readonly text: string }
  /** Bytes of `item` (a layer) done so far; shown on a terminal only, in place. `total` is absent when unknown. */
  | {
      readonly kind: 'transfer';
      readonly item: string;
      readonly step: 'download' | 'import';
      readonly done: number;
      readonly total?: number;
    };

export type Report = (event: ProgressEvent) => void;
