import { describe, expect, it } from 'vitest';
import { mappingsFor, parseIdRanges } from '../../../../src/containers/rendering/user-ids.ts';

const RANGES = [
  { start: 100000, count: 65536 },
  { start: 300000, count: 10 },
];

describe('mappingsFor', () => {
  it.each([[undefined], [null], [[]]])(
    'maps the user to root, and his other ids one after the other: %j',
    (given) => {
      expect(mappingsFor(given, 1000, RANGES)).toEqual({
        mappings: [
          { containerID: 0, hostID: 1000, size: 1 },
          { containerID: 1, hostID: 100000, size: 65536 },
          { containerID: 65537, hostID: 300000, size: 10 },
        ],
        isReplaced: false,
      });
    },
  );

  it('keeps mappings to ids that are his', () => {
    const given = [
      { containerID: 0, hostID: 1000, size: 1 },
      { containerID: 5, hostID: 100001, size: 65535 },
    ];

    expect(mappingsFor(given, 1000, RANGES)).toEqual({ mappings: given, isReplaced: false });
  });

  it.each([
    [[{ containerID: 0, hostID: 0, size: 1 }]],
    [[{ containerID: 0, hostID: 100000, size: 65537 }]],
    [[{ containerID: 0, hostID: 1000, size: 2 }]],
    [['x']],
  ])('replaces others: %j', (given) => {
    expect(mappingsFor(given, 1000, [])).toEqual({
      mappings: [{ containerID: 0, hostID: 1000, size: 1 }],
      isReplaced: true,
    });
  });
});

describe('parseIdRanges', () => {
  it('finds the ranges of a user by name and by id, and skips what is no range', () => {
    const text = 'joe:100000:65536\nann:1:2\n1000:300000:10\njoe:x:1\njoe:5:0\njoe\n\n';

    expect(parseIdRanges(text, { name: 'joe', uid: 1000 })).toEqual(RANGES);
  });
});
