import { describe, expect, it } from 'vitest';
import { AtomicError, Interrupted, ifPossible, isFailure, lineOf, orUndefined } from '../../src/errors.ts';

const broken = Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' });
const tooLarge = Object.assign(new RangeError('too large'), { code: 'ERR_FS_FILE_TOO_LARGE' });
// what node makes of EDQUOT
const noName = 'Unknown system error -122';
const noQuota = Object.assign(new Error(`${noName}: ${noName}, mkdir '/a'`), { code: noName });
const fail = (error: unknown) => () => {
  throw error;
};

describe('isFailure', () => {
  it.each([new AtomicError('no'), broken, tooLarge, noQuota])('is true for %s', (error) => {
    expect(isFailure(error)).toBe(true);
  });

  it.each([
    new Interrupted('SIGINT'),
    new TypeError('a bug'),
    Object.assign(new TypeError('a bug'), { code: 'ERR_INVALID_ARG_TYPE' }),
    Object.assign(new Error('aborted'), { code: 'ABORT_ERR', name: 'AbortError' }),
    'text',
  ])('is false for %s', (error) => {
    expect(isFailure(error)).toBe(false);
  });
});

describe('ifPossible and orUndefined', () => {
  it('give what could be read', () => {
    expect([ifPossible(() => 1), orUndefined(() => 1)]).toEqual([1, 1]);
  });

  it('give nothing for what is damaged, and say why', () => {
    const errors: unknown[] = [];
    const damaged = new AtomicError('damaged');

    ifPossible(fail(damaged), (error) => errors.push(error));
    orUndefined(fail(damaged), (error) => errors.push(error));

    expect(errors).toEqual([damaged, damaged]);
  });

  it('differ in what they take for it: a system error', () => {
    expect(ifPossible(fail(broken))).toBeUndefined();
    expect(() => orUndefined(fail(broken))).toThrow(broken);
  });

  it('let interrupts through', () => {
    const interrupt = new Interrupted('SIGTERM');

    expect(() => ifPossible(fail(interrupt))).toThrow(interrupt);
    expect(() => orUndefined(fail(interrupt))).toThrow(interrupt);
  });
});

describe('lineOf', () => {
  it.each([
    { error: new AtomicError('no', { hint: 'do' }), want: 'no; do' },
    { error: new AtomicError('No.', { hint: "'atomic x' does" }), want: "No. 'atomic x' does" },
    { error: broken, want: 'EIO: i/o error, read' },
    { error: noQuota, want: "EDQUOT: disk quota exceeded, mkdir '/a'" },
    { error: new Error('a\n b'), want: 'a b' },
    { error: 7, want: '7' },
  ])('says $want', ({ error, want }) => {
    expect(lineOf(error)).toBe(want);
  });
});
