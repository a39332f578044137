/** Comparisons of times: the machine is noisy, so both sides are measured in turn within one run. */

/** One line of what `make bench` prints. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
}

/** What a command took, in milliseconds, as the one who ran it measured it. */
export class Spent {
  readonly elapsed: number;
  /** Of the processors, by the command and what it waited for: what other processes of the machine do not change. */
  readonly processor: number | undefined;

  constructor(elapsed: number, processor?: number) {
    this.elapsed = elapsed;
    this.processor = processor;
  }
}

/** One side of a comparison. */
export interface Side {
  /** What is measured: it says itself what was spent, or the time until it has ended counts. */
  readonly work: () => Promise<unknown>;
  /** What has to be done before each time. */
  readonly before?: () => Promise<unknown>;
  /** Milliseconds that the work took, where that is not the time until it has ended. */
  readonly duration?: () => Promise<number>;
}

/** What is aimed at: a ratio of ours to the baseline, or milliseconds more than the baseline. */
export type Goal = number | { readonly more: number };

export interface Contest {
  readonly ours: Side;
  readonly baseline: Side;
  readonly rounds: number;
  readonly goal: Goal;
}

/** Medians. */
export interface Comparison {
  readonly name: string;
  readonly ours: Spent;
  readonly baseline: Spent;
  readonly goal: Goal;
}

/** Something that has no baseline, such as the memory of a process: at most the goal, where there is one. */
export interface Amount extends Figure {
  readonly goal?: number;
}

export type Result = Comparison | Amount;

/** Measures both sides in turn, `rounds` times after one round to warm up. */
export async function compare(name: string, contest: Contest): Promise<Comparison> {
  const spent: { ours: Spent[]; baseline: Spent[] } = { ours: [], baseline: [] };
  for (let round = 0; round <= contest.rounds; round++) {
    const [ours, baseline] = [await measure(contest.ours), await measure(contest.baseline)];
    if (round === 0) continue;
    spent.ours.push(ours);
    spent.baseline.push(baseline);
  }
  return { name, ours: medianOf(spent.ours), baseline: medianOf(spent.baseline), goal: contest.goal };
}

async function measure({ before, work, duration }: Side): Promise<Spent> {
  await before?.();
  const start = performance.now();
  const said = await work();
  const elapsed = performance.now() - start;
  if (duration !== undefined) return new Spent(await duration());
  return said instanceof Spent ? said : new Spent(elapsed);
}

function medianOf(spent: readonly Spent[]): Spent {
  const processor = spent.map((one) => one.processor).filter((value) => value !== undefined);
  return new Spent(
    median(spent.map(({ elapsed }) => elapsed)),
    processor.length < spent.length ? undefined : median(processor),
  );
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
