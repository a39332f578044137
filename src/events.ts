/** Events that commands report while they work; `cli/output/progress.ts` prints them. */
export type ProgressEvent =
  /** The layers of an image are being checked out to `path`. */
  | { readonly kind: 'extracting'; readonly path: string }
  /** A file was put on the host. */
  | { readonly kind: 'created-file'; readonly path: string }
  /** A command that changes the host is about to run; shown as typed. */
  | { readonly kind: 'command'; readonly argv: readonly string[] }
  /** How much of a pull is done, from 0 to 1, `undefined` when it is over; shown on a terminal only. */
  | { readonly kind: 'progress'; readonly share: number | undefined; readonly text: string }
  /** Anything else worth a line on stdout. */
  | { readonly kind: 'note'; readonly text: string }
  /** Something is wrong, but work goes on; one line on stderr. */
  | { readonly kind: 'warning'; readonly text: string }
  /** Waiting for a lock; one line on stderr. */
  | { readonly kind: 'waiting'; readonly text: string };

export type Report = (event: ProgressEvent) => void;

/** What a context, or anything else with a way to the person, has. */
interface Reporter {
  readonly report: Report;
}

/** Says something that is worth a line. */
export function note({ report }: Reporter, text: string): void {
  report({ kind: 'note', text });
}

/** Says that something is wrong, though work goes on; for the reason, use `lineOf`, which has the hint. */
export function warn({ report }: Reporter, text: string): void {
  report({ kind: 'warning', text });
}

/** A report that can be held back for a while. */
export interface HeldReports {
  readonly report: Report;
  /** From now on, what is reported is kept. */
  readonly hold: () => void;
  /** What was kept is reported, in its order. */
  readonly release: () => void;
}

/** While something waits for the work, the work does not wait for whoever reads what is reported of it. */
export function holdable(report: Report): HeldReports {
  let isHeld = false;
  const kept: ProgressEvent[] = [];
  return {
    report: (event) => {
      if (isHeld) kept.push(event);
      else report(event);
    },
    hold: () => {
      isHeld = true;
    },
    release: () => {
      isHeld = false;
      for (const event of kept.splice(0)) report(event);
    },
  };
}
