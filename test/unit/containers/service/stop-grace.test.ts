import { describe, expect, it } from 'vitest';
import { canHearTerm } from '../../../../src/containers/service/stop-grace.ts';

/** As in /proc/PID/status. */
const status = (caught: string, blocked: string) =>
  `Name:\tx\nSigPnd:\t0000000000000000\nSigBlk:\t${blocked}\nSigIgn:\t0000000000004000\nSigCgt:\t${caught}\n`;

describe('canHearTerm', () => {
  it.each([
    { what: 'catches it', text: status('0000000000004002', '0000000000000000'), want: true },
    { what: 'blocks it, to wait for it', text: status('0000000000000000', 'fffffffe7ffbfeff'), want: true },
    {
      what: 'ignores it, and catches others',
      text: status('0000000000010002', '0000000000010000'),
      want: false,
    },
    { what: 'is gone', text: '', want: false },
  ])('is $want of a process that $what', ({ text, want }) => {
    expect(canHearTerm(text)).toBe(want);
  });
});
