import type { Output } from './output.ts';

const CODES = { red: 31, green: 32, yellow: 33 } as const;

export type Color = keyof typeof CODES;

/** The text in bold and in color when a person reads it, as it is when a program does. */
export function colored({ isStandardTerminal }: Output, color: Color, text: string): string {
  return isStandardTerminal ? `\u001b[1;${CODES[color]}m${text}\u001b[0m` : text;
}
