import { describe, expect, it } from 'vitest';
import { defaultUnit } from '../../../../src/containers/rendering/unit.ts';
import { tmpfilesForUser, unitForUser } from '../../../../src/containers/rendering/user-unit.ts';

const START = "/usr/bin/runc run 'x'";
const FOR_ROOT = [
  '[Unit]\nAfter=network.target\n\n[Service]\nType=forking\nPIDFile=/run/container-x.pid\nUser=root',
  `ExecStart=${START}\n\n[Install]\nWantedBy=multi-user.target\n`,
].join('\n');

const isOfSystem = (unit: string) => unit.startsWith('system-');

describe('unitForUser', () => {
  it('lets the manager follow the runtime, and start the service by itself', () => {
    expect(unitForUser(FOR_ROOT, { start: START, tmpfiles: undefined, isOfSystem })).toEqual({
      text: [
        `[Unit]\nAfter=network.target\n\n[Service]\nExecStart=${START}\n\n[Install]`,
        'WantedBy=default.target\nWantedBy=multi-user.target\n',
      ].join('\n'),
      changes: ['User=root left out'],
    });
  });

  it('leaves a unit alone that starts something else, and one that is for users', () => {
    const forking = '[Service]\nType=forking\nPIDFile=/x\nExecStart=/usr/bin/own\n';
    const { text } = defaultUnit(false);

    expect(unitForUser(forking, { start: START, tmpfiles: undefined, isOfSystem }).text).toBe(forking);
    expect(unitForUser(text, { start: START, tmpfiles: undefined, isOfSystem })).toEqual({
      text,
      changes: [],
    });
  });

  it('requires no units of the system', () => {
    const text = [
      '[Unit]\nRequires=own.service\nRequires = system-a.service own.service  system-b.socket',
      'BindsTo=system-a.service\nAfter=system-a.service\nWants=system-a.service\n[Service]\n',
    ].join('\n');

    expect(unitForUser(text, { start: START, tmpfiles: undefined, isOfSystem })).toEqual({
      text: '[Unit]\nRequires=own.service\nRequires=own.service\nAfter=system-a.service\nWants=system-a.service\n[Service]\n',
      changes: ['Requires=system-a.service system-b.socket left out', 'BindsTo=system-a.service left out'],
    });
  });

  it('makes what the tmpfiles.d file lists at each start', () => {
    const { text } = unitForUser(`[Service]\nExecStart=${START}\n`, {
      start: START,
      tmpfiles: '/h/a "$b%.conf',
      isOfSystem,
    });

    expect(text).toBe(
      `[Service]\nExecStartPre=-/usr/bin/systemd-tmpfiles --create "/h/a \\"$$b%%.conf"\nExecStart=${START}\n`,
    );
  });
});

describe('tmpfilesForUser', () => {
  it('gives nothing to root', () => {
    const text = '# root root\nd /run/x 0755 root root - -\nd  "/a b"   - 0   joe\nd /short\nL /l - root -\n';

    expect(tmpfilesForUser(text)).toBe(
      '# root root\nd /run/x 0755 - - - -\nd  "/a b"   - -   joe\nd /short\nL /l - - -\n',
    );
  });
});
