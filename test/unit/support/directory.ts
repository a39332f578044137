/** Temporary directories for unit tests. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach } from 'vitest';

/** Makes a directory for the tests of this file, or of the `describe` that calls it; it is removed after them. */
export function useDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'atomic-unit-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** {@link useDirectory}, empty at the beginning of each test. */
export function useEmptyDirectory(): string {
  const directory = useDirectory();
  beforeEach(() => {
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory, { mode: 0o700 });
  });
  return directory;
}
