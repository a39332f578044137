import { describe, expect, it } from 'vitest';
import { reasonOf } from '../../../src/host/skopeo.ts';

describe('reasonOf', () => {
  it.each([
    {
      name: 'a quoted message',
      stderr:
        'time="2026-11-23T20:39:23Z" level=fatal msg="Error parsing image name \\"docker://t\\": reading manifest latest in x/t: manifest unknown"\n',
      want: 'reading manifest latest in x/t: manifest unknown',
    },
    { name: 'a bare word', stderr: 'time="x" level=fatal msg=EOF\n', want: 'EOF' },
    {
      name: 'the last of several lines',
      stderr: 'time="x" level=warning msg="mind"\ntime="x" level=fatal msg="a\\nb \\\\ \\"c\\""\n',
      want: 'a b \\ "c"',
    },
    { name: 'nothing', stderr: 'something else\n', want: undefined },
  ])('finds $name', ({ stderr, want }) => {
    expect(reasonOf(stderr)).toBe(want);
  });
});
