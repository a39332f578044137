import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { requireInstalledRuntime, runtimeFor } from '../../../../src/containers/deployments/runtime.ts';
import { contextFor } from '../../support/context.ts';
import { useDirectory } from '../../support/directory.ts';

const directory = useDirectory();
const ours = join(directory, 'our-runtime');
writeFileSync(ours, '');
chmodSync(ours, 0o755);

/** The context of a user whose PATH leads to `our-runtime` only. */
function contextWith({
  runtime,
  uid = 0,
  RUNC_PATH,
}: {
  runtime?: string;
  uid?: number;
  RUNC_PATH?: string;
}) {
  const context = contextFor({ uid });
  const env = { PATH: `relative:${directory}`, ...(RUNC_PATH && { RUNC_PATH }) };
  return { ...context, env, config: { ...context.config, runtime } };
}

describe('runtimeFor', () => {
  it.each([
    { what: 'what the command names', named: '/named', recorded: '/recorded', want: '/named' },
    { what: 'what the container records', recorded: '/recorded', want: '/recorded' },
    { what: 'what the configuration has', want: '/configured' },
  ])('is $what', ({ named, recorded, want }) => {
    expect(runtimeFor(contextWith({ runtime: '/configured' }), { named, recorded })).toBe(want);
  });

  it('is the default for an ordinary user, whatever the configuration has', () => {
    const context = contextWith({ runtime: '/configured', uid: 1000, RUNC_PATH: '/default' });

    expect(runtimeFor(context)).toBe('/default');
  });

  it.each(['named', 'recorded'])('looks a bare name up in PATH when it is %s', (origin) => {
    expect(runtimeFor(contextWith({}), { [origin]: 'our-runtime' })).toBe(ours);
  });

  it('looks a bare name of the configuration up in PATH', () => {
    expect(runtimeFor(contextWith({ runtime: 'our-runtime' }))).toBe(ours);
  });

  it('keeps a name that is not in PATH', () => {
    expect(runtimeFor(contextWith({}), { named: 'no-such-runtime' })).toBe('no-such-runtime');
  });
});

describe('requireInstalledRuntime', () => {
  it('accepts a program', () => {
    expect(() => requireInstalledRuntime(ours)).not.toThrow();
  });

  it.each(['/does/not/exist', 'no-such-runtime', directory, '/etc/passwd'])('refuses %s', (runtime) => {
    expect(() => requireInstalledRuntime(runtime)).toThrow(
      `Cannot install the container: the runtime ${runtime} is not installed`,
    );
  });
});
