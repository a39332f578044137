/** Reads the verdicts of an image scanner in scan_summary.json. */
import * as z from 'zod';
import type { Context } from '../../context.ts';
import { isUnreadable, readIfPresent } from '../../host/files/files.ts';

const ScanSummary = z.record(z.string(), z.looseObject({ Vulnerable: z.boolean().catch(false) }));

/** The ids of images that were found vulnerable; none when there is no summary, or not a readable one. */
export function vulnerableImages({ paths }: Context): ReadonlySet<string> {
  try {
    const summary = ScanSummary.parse(JSON.parse(readIfPresent(paths.scanSummary) ?? '{}'));
    return new Set(Object.entries(summary).flatMap(([id, { Vulnerable }]) => (Vulnerable ? [id] : [])));
  } catch (error) {
    if (error instanceof z.ZodError || error instanceof SyntaxError || isUnreadable(error)) return new Set();
    throw error;
  }
}
