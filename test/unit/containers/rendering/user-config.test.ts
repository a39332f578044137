import { describe, expect, it } from 'vitest';
import { configForUser, parseIdRanges } from '../../../../src/containers/rendering/user-config.ts';

const IDS = {
  uid: 1000,
  gid: 1001,
  uids: [
    { start: 100000, count: 65536 },
    { start: 300000, count: 10 },
  ],
  gids: [],
};
const SYS = {
  destination: '/sys',
  type: 'bind',
  source: '/sys',
  options: ['rbind', 'nosuid', 'noexec', 'nodev', 'ro'],
};

const changed = (config: object) => JSON.parse(configForUser(JSON.stringify(config), '/f', IDS));

describe('configForUser', () => {
  it('takes a user namespace instead of one for the network', () => {
    const { linux } = changed({ linux: { namespaces: [{ type: 'network' }, { type: 'pid' }] } });

    expect(linux.namespaces).toEqual([{ type: 'pid' }, { type: 'user' }]);
    expect(changed({ linux }).linux.namespaces).toEqual(linux.namespaces);
  });

  it("binds the host's /sys, and restricts other mounts but those of devices", () => {
    const mounts = [
      { destination: '/proc', type: 'proc' },
      { destination: '/sys/fs/cgroup', type: 'cgroup' },
      { destination: '/dev/pts', type: 'devpts', options: ['noexec'] },
      { destination: '/run', type: 'bind', options: ['nosuid', 'rw'] },
    ];

    expect(changed({ mounts }).mounts).toEqual([
      { destination: '/proc', type: 'proc', options: ['nodev', 'nosuid'] },
      { destination: '/dev/pts', type: 'devpts', options: ['noexec'] },
      { destination: '/run', type: 'bind', options: ['nosuid', 'rw', 'nodev'] },
      SYS,
    ]);
  });

  it('has no rules for devices, and keeps other resources', () => {
    const { linux } = changed({
      linux: { resources: { devices: [{ allow: false }], memory: { limit: 1 } } },
    });

    expect(linux.resources).toEqual({ memory: { limit: 1 } });
  });

  it('maps the user to root, and his other ids behind one another', () => {
    expect(changed({}).linux).toMatchObject({
      uidMappings: [
        { containerID: 0, hostID: 1000, size: 1 },
        { containerID: 1, hostID: 100000, size: 65536 },
        { containerID: 65537, hostID: 300000, size: 10 },
      ],
      gidMappings: [{ containerID: 0, hostID: 1001, size: 1 }],
    });
  });

  it('keeps mappings that the image brings', () => {
    const uidMappings = [{ containerID: 0, hostID: 5, size: 2 }];

    expect(changed({ linux: { uidMappings } }).linux.uidMappings).toEqual(uidMappings);
  });

  it('refuses what is no configuration', () => {
    expect(() => configForUser('[]', '/f', IDS)).toThrow('/f');
  });
});

describe('parseIdRanges', () => {
  it('finds the ranges of a user by name and by id, and skips what is no range', () => {
    const text = 'joe:100000:65536\nann:1:2\n1000:300000:10\njoe:x:1\njoe\n\n';

    expect(parseIdRanges(text, { name: 'joe', uid: 1000 })).toEqual([
      { start: 100000, count: 65536 },
      { start: 300000, count: 10 },
    ]);
  });
});
