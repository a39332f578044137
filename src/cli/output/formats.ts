/** Formats dates, sizes, lists, colours and JSON as the Python tool did. */
import { printableJson } from './printable.ts';

/** Local time, `YYYY-MM-DD HH:MM:SS`. */
export function localTime(date: Date): string {
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join('-');
  return `${day} ${[date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':')}`;
}

/** {@link localTime} without the seconds. */
export function localMinute(date: Date): string {
  return localTime(date).slice(0, 16);
}

function two(number: number): string {
  return String(number).padStart(2, '0');
}

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB', 'PB', 'EB', 'ZB', 'YB'];

/** Bytes in decimal units, with one or two decimals: `1.0 B`, `20.48 KB`; empty when zero or unknown. */
export function humanSize(bytes: number | undefined): string {
  if (!bytes) return '';
  let [size, unit] = [bytes, 0];
  while (size >= 1000 && unit < UNITS.length - 1) [size, unit] = [size / 1000, unit + 1];
  const rounded = Math.round(size * 100) / 100;
  return `${Number.isInteger(rounded) ? rounded.toFixed(1) : rounded} ${UNITS[unit]}`;
}

/** The lines of JSON indented by four blanks. */
export function json(value: unknown): readonly string[] {
  return printableJson(JSON.stringify(value, undefined, 4)).split('\n');
}

/** A list as Python prints it. */
export function pythonList(texts: readonly string[]): string {
  return `[${texts.map((text) => `'${text}'`).join(', ')}]`;
}

const COLOURS = { red: 31, green: 32, yellow: 33 } as const;

export type Colour = keyof typeof COLOURS;

/** Bold and in colour, for a terminal: in the sequences of the Python tool. */
export function painted(text: string, colour: Colour): string {
  return `\u001b[1;${COLOURS[colour]}m${text}\u001b[0m`;
}
