import { describe, expect, it } from 'vitest';
import { parseActiveStates, parseUnitState, systemctlArgv } from '../../../src/host/systemd.ts';
import { contextFor } from '../support/context.ts';

describe('parseUnitState', () => {
  it('reads what systemctl show says', () => {
    expect(
      parseUnitState(
        'ActiveState=failed\nSubState=failed\nNRestarts=2\nResult=exit-code\nExecMainStatus=3\nInvocationID=0f\n',
      ),
    ).toEqual({
      active: 'failed',
      sub: 'failed',
      restarts: 2,
      result: 'exit-code',
      exitStatus: '3',
      invocation: '0f',
    });
  });

  it('takes silence for an inactive unit', () => {
    expect(parseUnitState('')).toEqual({
      active: 'inactive',
      sub: '',
      restarts: 0,
      result: '',
      exitStatus: '',
      invocation: '',
    });
  });
});

describe('parseActiveStates', () => {
  it('reads the third column of systemctl list-units', () => {
    const output =
      '  a.service loaded active running A of a\nb.0.service loaded failed failed B\nc.service not-found inactive dead c\n';

    expect(parseActiveStates(output)).toEqual(
      new Map([
        ['a', 'active'],
        ['b.0', 'failed'],
        ['c', 'inactive'],
      ]),
    );
  });
});

describe('systemctlArgv', () => {
  it('asks the manager of the one who calls', () => {
    expect(systemctlArgv(contextFor(), 'start', 'x')).toEqual(['systemctl', 'start', 'x']);
    expect(systemctlArgv(contextFor({ uid: 1000 }), 'start', 'x')).toEqual([
      'systemctl',
      '--user',
      'start',
      'x',
    ]);
  });
});
