import { describe, expect, it } from 'vitest';
import { inStorage } from '../../../src/cli/storage.ts';
import { AtomicError, lineOf, NotFoundError } from '../../../src/errors.ts';
import { failureOf } from '../support/processes.ts';

const missing = new NotFoundError('x', "Unable to find 'x'", { hint: 'look' });
const fail = (error: Error) => () => Promise.reject(error);

describe('inStorage', () => {
  it('says in other words what is not there when the storage was named', async () => {
    expect(lineOf(await failureOf(inStorage('ostree', fail(missing))))).toBe(
      'Unable to find x in the ostree backend; look',
    );
    expect(lineOf(await failureOf(inStorage('ostree', fail(missing), (name) => `No ${name}`)))).toBe(
      'No x; look',
    );
  });

  it('leaves the words alone when it was not', async () => {
    expect(await failureOf(inStorage(undefined, fail(missing)))).toBe(missing);
  });

  it('hands on what else there is', async () => {
    const other = new AtomicError('no');

    expect(await failureOf(inStorage('ostree', fail(other)))).toBe(other);
    expect(await inStorage('ostree', () => 7)).toBe(7);
  });
});
