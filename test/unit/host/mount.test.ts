import { describe, expect, it } from 'vitest';
import { mountPoints, parseMount } from '../../../src/host/mount.ts';

describe('parseMount', () => {
  it.each([
    {
      name: 'a disk',
      line: '27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard',
      want: { point: '/', root: '/', source: '/dev/vda' },
    },
    {
      name: 'a folder without optional fields',
      line: '30 27 254:0 /a/b /mnt ro,nosuid - ext4 /dev/vda rw',
      want: { point: '/mnt', root: '/a/b', source: '/dev/vda' },
    },
    {
      name: 'several optional fields',
      line: '30 27 0:39 / /mnt ro shared:3 master:1 propagate_from:2 - overlay atomic:0f ro,lowerdir=a:b',
      want: { point: '/mnt', root: '/', source: 'atomic:0f' },
    },
    {
      name: 'blanks, line breaks, tabs and backslashes',
      line: String.raw`30 27 0:39 /a\040-\040b /m\011n\012t\134040 ro - tmpfs my\040source rw`,
      want: { point: '/m\tn\nt\\040', root: '/a - b', source: 'my source' },
    },
    { name: 'an empty line', line: '', want: { point: '', root: '', source: '' } },
  ])('reads $name', ({ line, want }) => {
    expect(parseMount(line)).toEqual(want);
  });
});

describe('mountPoints', () => {
  it('has those of this machine', () => {
    expect(mountPoints()).toEqual(expect.arrayContaining(['/', '/proc']));
  });
});
