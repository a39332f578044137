import { describe, expect, it } from 'vitest';
import { ToolError } from '../../../src/errors.ts';
import { withoutRace } from '../../../src/host/ostree.ts';

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
