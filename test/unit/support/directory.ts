/** Temporary directories for unit tests. */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach } from 'vitest';

/** For tests that put much on disk: in memory, where the machine has such a place. */
export const MEMORY = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

/**
 * Makes a directory for the tests of this file, or of the `describe` that calls it; it is removed after them.
 *
 * @param parent where it is made
 */
export function useDirectory(parent = tmpdir()): string {
  const directory = mkdtempSync(join(parent, 'atomic-unit-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** {@link useDirectory}, empty at the beginning of each test. */
export function useEmptyDirectory(parent = tmpdir()): string {
  const directory = useDirectory(parent);
  beforeEach(() => {
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory, { mode: 0o700 });
  });
  return directory;
}
