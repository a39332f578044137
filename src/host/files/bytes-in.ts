/** Adds up what the files of a directory hold. */
import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isErrno } from '../../errors.ts';

/** The bytes of all files in a directory and below; what goes meanwhile does not count. */
export function bytesIn(directory: string): number {
  const sizes = namesBelow(directory).map(
    (name) => lstatSync(join(directory, name), { throwIfNoEntry: false })?.size ?? 0,
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

function namesBelow(directory: string): readonly string[] {
  try {
    return readdirSync(directory, { recursive: true, encoding: 'utf8' });
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return [];
    throw error;
  }
}
