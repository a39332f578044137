import { describe, expect, it } from 'vitest';
import {
  changesOthers,
  completeUnit,
  defaultUnit,
  execValues,
  stopsByTerm,
} from '../../../../src/containers/rendering/unit.ts';

const ALL = { systemdCgroup: true, pidFile: true };
const FOREGROUND = { file: '', text: 'ExecStart=$EXEC_START' };
const PID_FILE = { file: '', text: '$EXEC_STOPPOST $PIDFILE' };
const request = {
  name: 'x',
  runtime: '/usr/bin/runc',
  features: ALL,
  isRoot: true,
  pidFile: '/run/container-x.pid',
};

describe('execValues', () => {
  it('runs in the foreground for a unit that does not follow a pid file', () => {
    expect(execValues(FOREGROUND, request)).toEqual({
      EXEC_START: "/usr/bin/runc --systemd-cgroup run 'x'",
      EXEC_STOP: "/usr/bin/runc --systemd-cgroup kill 'x'",
      EXEC_STARTPRE: "-/usr/bin/runc delete --force 'x'",
      EXEC_STOPPOST: "-/usr/bin/runc delete --force 'x'",
    });
  });

  it('detaches for a unit that does, with the two blanks of the Python tool', () => {
    expect(execValues(PID_FILE, request)).toMatchObject({
      EXEC_START: "/usr/bin/runc  --systemd-cgroup run -d --pid-file /run/container-x.pid 'x'",
      EXEC_STOP: '',
    });
  });

  it.each([
    { name: 'the brace form', unit: { file: '', text: '${EXEC_STOPPOST} ${PIDFILE}' }, features: ALL },
    { name: 'a runtime without pid files', unit: PID_FILE, features: { ...ALL, pidFile: false } },
  ])('stays in the foreground with $name', ({ unit, features }) => {
    expect(execValues(unit, { ...request, features }).EXEC_START).toBe(
      "/usr/bin/runc --systemd-cgroup run 'x'",
    );
  });

  it('leaves cgroups to themselves for users, and stays in the foreground', () => {
    expect(execValues(FOREGROUND, { ...request, isRoot: false }).EXEC_START).toBe("/usr/bin/runc run 'x'");
    expect(execValues(PID_FILE, { ...request, isRoot: false }).EXEC_START).toBe("/usr/bin/runc run 'x'");
  });
});

describe('completeUnit', () => {
  const identity = { runtime: '/usr/bin/runc', name: 'x' };

  it('adds what keeps stale containers away to the service section', () => {
    const unit = '[Unit]\nDescription=x\n\n[Service]\nExecStart=a\n\n[Install]\nWantedBy=b\n';

    expect(completeUnit(unit, identity)).toBe(
      [
        '[Unit]\nDescription=x\n\n[Service]',
        "ExecStartPre=-/usr/bin/runc delete --force 'x'",
        "ExecStopPost=-/usr/bin/runc delete --force 'x'",
        'SuccessExitStatus=143',
        'ExecStart=a\n\n[Install]\nWantedBy=b\n',
      ].join('\n'),
    );
  });

  it('keeps what the unit says itself', () => {
    const unit =
      "[Service]\nTimeoutStopSec=90\nSuccessExitStatus=7\nExecStartPre=-/usr/bin/runc delete --force 'x'\nExecStopPost=-/usr/bin/runc delete --force 'x'\n";

    expect(completeUnit(unit, identity)).toBe(unit);
  });

  it('changes nothing the second time', () => {
    const once = completeUnit('[Service]\nExecStart=a\n', identity);

    expect(completeUnit(once, identity)).toBe(once);
  });
});

describe('stopsByTerm', () => {
  it.each([
    { unit: '[Service]\nExecStart=x\n', want: true },
    { unit: "ExecStop=/usr/bin/runc --systemd-cgroup kill 'x'", want: true },
    { unit: 'ExecStop=', want: true },
    { unit: 'KillSignal=SIGTERM', want: true },
    { unit: 'KillSignal=SIGINT', want: false },
    { unit: 'ExecStop=/usr/bin/runc exec x /usr/bin/shutdown', want: false },
    { unit: "ExecStop=/usr/bin/runc kill 'x' INT", want: false },
    { unit: 'TimeoutStopSec=60', want: true },
  ])('is $want for $unit', ({ unit, want }) => {
    expect(stopsByTerm(unit)).toBe(want);
  });
});

describe('defaultUnit', () => {
  it('follows the pid file for root and stays in the foreground for users', () => {
    expect(defaultUnit(true).text).toMatch(/Type=forking.*PIDFile=\$PIDFILE.*WantedBy=multi-user.target/s);
    expect(defaultUnit(false).text).not.toMatch(/PIDFILE|forking|multi-user/);
    expect(defaultUnit(false).text).toContain('WantedBy=default.target');
  });
});

describe('changesOthers', () => {
  const unit = (...lines: readonly string[]) => ['[Unit]', '[Install]', ...lines, ''].join('\n');

  it.each([[], ['WantedBy=multi-user.target'], ['WantedBy = graphical.target default.target', '# Alias=x']])(
    'is not what starts at boot alone: %s %s',
    (...lines) => {
      expect(changesOthers(unit(...lines))).toBe(false);
    },
  );

  it.each([
    'WantedBy=docker.service',
    'WantedBy=multi-user.target my.target',
    'RequiredBy=multi-user.target',
    'Alias=x.service',
    'Also=y.service',
  ])('is %s', (line) => {
    expect(changesOthers(unit('WantedBy=multi-user.target', line))).toBe(true);
  });
});
