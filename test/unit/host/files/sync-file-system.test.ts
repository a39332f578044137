import { describe, expect, it } from 'vitest';
import { sharedFlush } from '../../../../src/host/files/sync-file-system.ts';
import { contextFor } from '../../support/context.ts';

describe('sharedFlush', () => {
  it('lets those who come while it works wait for the next time together', async () => {
    const context = contextFor({ checkouts: '/tmp' });
    const ends: (() => void)[] = [];
    const run = async () => {
      await new Promise<void>((resolve) => ends.push(resolve));
      return { stdout: '', stderr: '', exitCode: 0 };
    };
    const flush = sharedFlush({ ...context, processes: { ...context.processes, run } }, '/');
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    const done: string[] = [];
    const ask = (name: string) => void flush().then(() => done.push(name));

    ask('first');
    await turn();
    ask('second');
    ask('third');
    await turn();
    expect(ends).toHaveLength(1);
    ends[0]?.();
    await turn();
    expect([ends.length, done]).toEqual([2, ['first']]);
    ends[1]?.();
    await turn();
    expect([ends.length, done]).toEqual([2, ['first', 'second', 'third']]);
  });
});
