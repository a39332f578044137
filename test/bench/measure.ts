/** Ratios of times: the machine is noisy, so both sides are measured in turn within one run. */
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
}

/** Median time of `ours` over that of `theirs`, in `rounds` rounds after one to warm up. */
export async function ratio(name: string, ours: Side, theirs: Side, rounds: number): Promise<Figure[]> {
  const times: { ours: number[]; theirs: number[] } = { ours: [], theirs: [] };
  for (let round = 0; round <= rounds; round++) {
    const [first, second] = [await time(ours), await time(theirs)];
    if (round === 0) continue;
    times.ours.push(first);
    times.theirs.push(second);
  }
  const [our, their] = [median(times.ours), median(times.theirs)];
  return [
    { name, value: rounded(our / their), unit: 'ratio' },
    { name: `${name}_ours`, value: rounded(our), unit: 'ms' },
    { name: `${name}_baseline`, value: rounded(their), unit: 'ms' },
  ];
}

async function time({ before, work }: Side): Promise<number> {
  await before?.();
  const start = performance.now();
  await work();
  return performance.now() - start;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
