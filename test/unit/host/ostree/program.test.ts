import { describe, expect, it } from 'vitest';
import { ToolError } from '../../../../src/errors.ts';
import { parseFreed, withoutRace } from '../../../../src/host/ostree/program.ts';

const failure = (stderr: string) =>
  new ToolError(['ostree', 'commit'], { exitCode: 1, signal: undefined, stderr }, 1);
const RACE = 'error: opendir(staging-7d05d896-d0GWsp): No such file or directory\n';

/** Fails with these errors, one after the other, and then says how often it was called. */
function failing(...errors: readonly Error[]): () => Promise<number> {
  let calls = 0;
  return () => {
    const error = errors[calls++];
    return error === undefined ? Promise.resolve(calls) : Promise.reject(error);
  };
}

describe('withoutRace', () => {
  it('tries again when another ostree was in the way', async () => {
    expect(await withoutRace(failing(failure(RACE), failure(RACE)))).toBe(3);
  });

  it.each([failure('error: something else'), new Error(RACE)])('hands on %s', async (error) => {
    await expect(withoutRace(failing(error))).rejects.toBe(error);
  });

  it('gives up in the end', async () => {
    const races = Array.from({ length: 100 }, () => failure(RACE));

    await expect(withoutRace(failing(...races))).rejects.toBe(races[9]);
  });
});

describe('parseFreed', () => {
  it.each([
    { output: 'Total objects: 3\nNo unreachable objects\n', want: 0 },
    { output: 'Total objects: 3\nDeleted 1 objects, 1 byte freed\n', want: 1 },
    { output: 'Total objects: 3\nDeleted 3 objects, 175 bytes freed\n', want: 175 },
    { output: 'Total objects: 3\nDeleted 7 objects, 1.2\u00a0kB freed\n', want: 1200 },
    { output: 'Total objects: 3\nDeleted 7 objects, 16.6\u00a0MB freed\n', want: 16_600_000 },
    { output: '', want: 0 },
  ])('reads $want bytes', ({ output, want }) => {
    expect(parseFreed(output)).toBe(want);
  });
});
