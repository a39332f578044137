import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { waitForAll } from '../../src/wait-for-all.ts';

const failing = async (milliseconds: number, reason: unknown) => {
  await sleep(milliseconds);
  throw reason;
};

describe('waitForAll', () => {
  it('returns the results in the order of the tasks', async () => {
    const failures: string[] = [];

    const results = await waitForAll([sleep(20, 'slow'), sleep(1, 2), Promise.resolve(undefined)], () =>
      failures.push('called'),
    );

    expect(results).toEqual(['slow', 2, undefined]);
    expect(failures).toEqual([]);
  });

  it('has nothing to wait for without tasks', async () => {
    expect(await waitForAll([])).toEqual([]);
  });

  it('throws the first failure in time, and only when every task has ended', async () => {
    const log: string[] = [];
    const slow = sleep(40).then(() => log.push('slow task ended'));

    const outcome = waitForAll([failing(20, new Error('second')), slow, failing(1, new Error('first'))]);
    await expect(outcome).rejects.toThrow('first');

    expect(log).toEqual(['slow task ended']);
  });

  it('tells of the first failure at once, and of no other', async () => {
    const stop = new AbortController();
    const calls: boolean[] = [];
    const obedient = sleep(10_000, undefined, { signal: stop.signal });

    const outcome = waitForAll([obedient, failing(1, new Error('first'))], () => {
      calls.push(stop.signal.aborted);
      stop.abort();
    });

    await expect(outcome).rejects.toThrow('first');
    expect(calls).toEqual([false]);
  });

  it.each([undefined, null, 0, ''])('takes %j for a failure like any other', async (reason) => {
    const thrown = await waitForAll([Promise.reject(reason)]).then(
      () => 'nothing',
      (caught: unknown) => ({ caught }),
    );

    expect(thrown).toEqual({ caught: reason });
  });
});
