/** What `make bench` prints of its results: lines of JSON, and a table. */
import type { Comparison, Figure, Goal, Result } from './measure.ts';

/** The ratio of a comparison, its two sides, and the ratio of what they took of the processors; or an amount. */
export function figuresOf(result: Result): readonly Figure[] {
  if (!isComparison(result)) return [{ name: result.name, value: result.value, unit: result.unit }];
  const { name, ours, baseline } = result;
  const processor = ratioOfProcessor(result);
  return [
    { name, value: rounded(ours.elapsed / baseline.elapsed), unit: 'ratio' },
    { name: `${name}_ours`, value: rounded(ours.elapsed), unit: 'ms' },
    { name: `${name}_baseline`, value: rounded(baseline.elapsed), unit: 'ms' },
    ...(processor === undefined
      ? []
      : [{ name: `${name}_processor`, value: rounded(processor), unit: 'ratio' }]),
  ];
}

const HEADINGS = ['figure', 'ours', 'baseline', 'ratio', '(processor)', 'goal', ''];

/** All results as a table, with their goals. */
export function tableOf(results: readonly Result[]): string {
  const rows = [
    HEADINGS,
    ...results.map((result) => (isComparison(result) ? timesOf(result) : amountOf(result))),
  ];
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '));
  return lines.map((line) => line.trimEnd()).join('\n');
}

function timesOf(comparison: Comparison): readonly string[] {
  const { name, ours, baseline, goal } = comparison;
  return [
    name,
    `${ours.elapsed.toFixed(0)} ms`,
    `${baseline.elapsed.toFixed(0)} ms`,
    (ours.elapsed / baseline.elapsed).toFixed(2),
    ratioOfProcessor(comparison)?.toFixed(2) ?? '',
    typeof goal === 'number' ? goal.toFixed(2) : `+${goal.more} ms`,
    verdict(ours.elapsed <= limitOf(goal, baseline.elapsed)),
  ];
}

function amountOf({ name, value, unit, goal }: Exclude<Result, Comparison>): readonly string[] {
  const isMet = goal === undefined ? '' : verdict(value <= goal);
  return [name, `${value} ${unit}`, '', '', '', goal === undefined ? '' : `${goal} ${unit}`, isMet];
}

function limitOf(goal: Goal, baseline: number): number {
  return typeof goal === 'number' ? goal * baseline : baseline + goal.more;
}

function verdict(isMet: boolean): string {
  return isMet ? 'met' : 'not met';
}

function ratioOfProcessor({ ours, baseline }: Comparison): number | undefined {
  if (ours.processor === undefined || baseline.processor === undefined) return undefined;
  return ours.processor / baseline.processor;
}

function isComparison(result: Result): result is Comparison {
  return 'baseline' in result;
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
