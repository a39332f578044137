/** Reads the verdicts of an image scanner in scan_summary.json. */
import * as z from 'zod/mini';
import { $ZodError } from 'zod/v4/core';
import type { Context } from '../../context.ts';
import { isUnreadable, readIfPresent } from '../../host/files/files.ts';

const ScanSummary = z.record(z.string(), z.looseObject({ Vulnerable: z.catch(z.boolean(), false) }));

/** The ids of images that were found vulnerable; none when there is no summary, or not a readable one. */
export function vulnerableImages({ paths }: Context): ReadonlySet<string> {
  try {
    const summary = ScanSummary.parse(JSON.parse(readIfPresent(paths.scanSummary) ?? '{}'));
    return new Set(Object.entries(summary).flatMap(([id, { Vulnerable }]) => (Vulnerable ? [id] : [])));
  } catch (error) {
    if (error instanceof $ZodError || error instanceof SyntaxError || isUnreadable(error)) return new Set();
    throw error;
  }
}
