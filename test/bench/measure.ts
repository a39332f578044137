/** Comparisons of times: the machine is noisy, so both sides are measured in turn within one run. */

/** One line of what `make bench` prints. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
}

/** One side of a comparison. */
export interface Side {
  /** What is measured. */
  readonly work: () => Promise<unknown>;
  /** What has to be done before each time. */
  readonly before?: () => Promise<unknown>;
  /** Milliseconds that the work took, where that is not the time until it has ended. */
  readonly duration?: () => Promise<number>;
}

export interface Contest {
  readonly ours: Side;
  readonly baseline: Side;
  readonly rounds: number;
  /** The ratio of ours to the baseline that is aimed at. */
  readonly goal: number;
}

/** Medians in milliseconds. */
export interface Comparison {
  readonly name: string;
  readonly ours: number;
  readonly baseline: number;
  readonly goal: number;
}

/** Measures both sides in turn, `rounds` times after one round to warm up. */
export async function compare(name: string, contest: Contest): Promise<Comparison> {
  const times: { ours: number[]; baseline: number[] } = { ours: [], baseline: [] };
  for (let round = 0; round <= contest.rounds; round++) {
    const [ours, baseline] = [await time(contest.ours), await time(contest.baseline)];
    if (round === 0) continue;
    times.ours.push(ours);
    times.baseline.push(baseline);
  }
  return { name, ours: median(times.ours), baseline: median(times.baseline), goal: contest.goal };
}

/** The ratio of a comparison, and its two sides. */
export function figuresOf({ name, ours, baseline }: Comparison): readonly Figure[] {
  return [
    { name, value: rounded(ours / baseline), unit: 'ratio' },
    { name: `${name}_ours`, value: rounded(ours), unit: 'ms' },
    { name: `${name}_baseline`, value: rounded(baseline), unit: 'ms' },
  ];
}

/** All comparisons as a table, with their goals. */
export function tableOf(comparisons: readonly Comparison[]): string {
  const rows = comparisons.map(({ name, ours, baseline, goal }) => [
    name,
    ours.toFixed(0),
    baseline.toFixed(0),
    (ours / baseline).toFixed(2),
    goal.toFixed(2),
    ours / baseline <= goal ? 'met' : 'not met',
  ]);
  const all = [['figure', 'ours (ms)', 'baseline (ms)', 'ratio', 'goal', ''], ...rows];
  const widths = [0, 1, 2, 3, 4, 5].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

async function time({ before, work, duration }: Side): Promise<number> {
  await before?.();
  const start = performance.now();
  await work();
  return duration === undefined ? performance.now() - start : await duration();
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
