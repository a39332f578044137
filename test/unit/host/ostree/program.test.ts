import { describe, expect, it } from 'vitest';
import { parseFreed } from '../../../../src/host/ostree/program.ts';

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
