import { describe, expect, it } from 'vitest';
import { configForUser } from '../../../../src/containers/rendering/user-config.ts';

const IDS = {
  uid: 1000,
  gid: 1001,
  uids: [
    { start: 100000, count: 65536 },
    { start: 300000, count: 10 },
  ],
  gids: [],
  lacksTools: false,
  controllers: ['memory', 'pids'],
  limits: new Map([['RLIMIT_NOFILE', 100]]),
  isOfSystem: () => false,
};
const SYS = {
  destination: '/sys',
  type: 'bind',
  source: '/sys',
  options: ['rbind', 'nosuid', 'noexec', 'nodev', 'ro'],
};

const changed = (config: object) => JSON.parse(configForUser(JSON.stringify(config), '/f', IDS).text);

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

  it('lowers limits to what the user may have', () => {
    const limit = (type: string, soft: number, hard: number) => ({ type: `RLIMIT_${type}`, soft, hard });
    const rlimits = [
      limit('NOFILE', 50, 1e6),
      limit('NOFILE', 1e6, 1e6),
      limit('NOFILE', 1, 99),
      limit('CPU', 1, 2),
    ];
    const { text, changes } = configForUser(JSON.stringify({ process: { cwd: '/', rlimits } }), '/f', IDS);

    expect(JSON.parse(text).process).toEqual({
      cwd: '/',
      rlimits: [
        limit('NOFILE', 50, 100),
        limit('NOFILE', 100, 100),
        limit('NOFILE', 1, 99),
        limit('CPU', 1, 2),
      ],
    });
    expect(changes[0]).toBe('RLIMIT_NOFILE lowered to 100');
  });

  it('says what the image asked for and does not get', () => {
    const config = {
      mounts: [
        { destination: '/dev/pts', options: ['gid=5', 'mode=620'] },
        { destination: '/data', options: ['uid=70000', 'gid=0'] },
      ],
      linux: {
        cgroupsPath: '/machine/x',
        namespaces: [{ type: 'network' }],
        resources: { devices: [{ allow: false }], pids: { limit: 1 }, cpu: { shares: 1 }, network: {} },
        sysctl: { 'net.core.somaxconn': '1', 'kernel.msgmax': '1' },
        uidMappings: [{ containerID: 0, hostID: 0, size: 65536 }],
      },
    };
    const { text, changes } = configForUser(JSON.stringify(config), '/f', { ...IDS, lacksTools: true });
    const { linux, mounts } = JSON.parse(text);

    expect(changes).toEqual([
      'the network of the host instead of its own',
      'sysctl net.* left out',
      'rules for devices left out',
      'limits left out that are not yours to set: cpu and network',
      'cgroupsPath left out',
      'your ids instead of its own',
      'no ids but your own (newuidmap and newgidmap are not installed)',
      'gid=5 of /dev/pts left out',
      'uid=70000 of /data left out',
    ]);
    expect(linux).toMatchObject({ sysctl: { 'kernel.msgmax': '1' } });
    expect(linux.resources).toEqual({ pids: { limit: 1 } });
    expect(linux).not.toHaveProperty('cgroupsPath');
    expect(mounts[0].options).toEqual(['mode=620']);
    expect(mounts[1].options).toEqual(['gid=0', 'nodev', 'nosuid']);
  });

  it('says nothing of a configuration that asks for no more than a user may have', () => {
    const config = {
      mounts: [{ destination: '/sys' }],
      linux: { namespaces: [{ type: 'pid' }], resources: {} },
    };

    expect(configForUser(JSON.stringify(config), '/f', IDS).changes).toEqual([]);
  });

  it('refuses what is no configuration', () => {
    expect(() => configForUser('[]', '/f', IDS)).toThrow('/f');
  });
});
