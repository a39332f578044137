import { describe, expect, it } from 'vitest';
import { mountPoints, onMountOf, parseMount } from '../../../src/host/mount.ts';

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

describe('onMountOf', () => {
  const mount = (point: string, root: string) => ({ point, root, source: '/dev/vda' });
  /** A host that is an OSTree deployment itself. */
  const TABLE = [
    mount('/sysroot', '/'),
    mount('/', '/ostree/deploy/os/deploy/0123.0'),
    mount('/var', '/ostree/deploy/os/var'),
    mount('/home', '/home'),
  ];

  it.each([
    { directory: '/var/lib/containers', want: '/sysroot/ostree/deploy/os/var/lib/containers' },
    { directory: '/var', want: '/sysroot/ostree/deploy/os/var' },
    { directory: '/sysroot/ostree/x', want: '/sysroot/ostree/x' },
    { directory: '/etc', want: '/sysroot/ostree/deploy/os/deploy/0123.0/etc' },
    { directory: '/various', want: '/sysroot/ostree/deploy/os/deploy/0123.0/various' },
  ])('finds $directory at $want', ({ directory, want }) => {
    expect(onMountOf('/sysroot/ostree/repo', directory, TABLE)).toBe(want);
  });

  it('does not find what is not below the root of the mount', () => {
    expect(onMountOf('/var/lib/repo', '/sysroot/ostree/repo', TABLE)).toBeUndefined();
    expect(onMountOf('/var/lib/repo', '/home', TABLE)).toBeUndefined();
  });

  it('goes by the newest of several mounts on one point', () => {
    expect(onMountOf('/sysroot/repo', '/var/x', [...TABLE, mount('/var', '/elsewhere')])).toBe(
      '/sysroot/elsewhere/x',
    );
  });
});
