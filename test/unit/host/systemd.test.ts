import { describe, expect, it } from 'vitest';
import { parseUnitStates, systemctlArgv } from '../../../src/host/systemd.ts';
import { contextFor } from '../support/context.ts';

describe('parseUnitStates', () => {
  it('gives every name its block, in order', () => {
    const output =
      'Id=a.service\nActiveState=active\nResult=success\nExecMainStatus=0\n\nId=b.service\nActiveState=failed\nResult=exit-code\nExecMainStatus=3\n';

    expect([...parseUnitStates(output, ['a', 'b'])]).toEqual([
      ['a', { active: 'active', result: 'success', exitStatus: '0' }],
      ['b', { active: 'failed', result: 'exit-code', exitStatus: '3' }],
    ]);
  });

  it('takes a missing block for an inactive unit', () => {
    expect(parseUnitStates('', ['a']).get('a')).toEqual({ active: 'inactive', result: '', exitStatus: '' });
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
