/** Reads JSON documents that others wrote, against a schema. */

import * as z from 'zod/mini';
import type { $ZodError } from 'zod/v4/core';
import en from 'zod/v4/locales/en.js';
import type { AtomicError } from './errors.ts';

// zod/mini, which is made for a quick start, says nothing but "Invalid input" by itself
z.config(en());

/** Why a document cannot be used. */
export interface JsonProblem {
  /** For people; of several reasons the first. */
  readonly reason: string;
  /** Whether it is JSON, but not of the kind that was asked for. */
  readonly isJson: boolean;
  readonly cause: unknown;
}

/**
 * Parses a JSON document.
 *
 * @param errorFor makes the error that is thrown when the text is not JSON, or not what the schema says
 */
export function parseJson<Schema extends z.ZodMiniType>(
  schema: Schema,
  text: string,
  errorFor: (problem: JsonProblem) => AtomicError,
): z.infer<Schema> {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    throw errorFor({ reason: (cause as Error).message, isJson: false, cause });
  }
  const parsed = schema.safeParse(document);
  if (parsed.success) return parsed.data;
  throw errorFor({ reason: firstIssue(parsed.error), isJson: true, cause: parsed.error });
}

/**
 * What a schema found first: `KEY.KEY: WHAT IS WRONG`.
 *
 * @param whole stands for the keys when it is about the document itself
 */
export function firstIssue({ issues: [issue] }: $ZodError, whole = 'document'): string {
  return `${issue?.path.join('.') || whole}: ${issue?.message}`;
}
