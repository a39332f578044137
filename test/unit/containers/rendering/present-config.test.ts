import { describe, expect, it } from 'vitest';
import {
  formatOciConfig,
  parseOciConfig,
  withRootPath,
} from '../../../../src/containers/rendering/oci-config.ts';
import { presentConfig } from '../../../../src/containers/rendering/present-config.ts';

const EVERYTHING = { hasSelinux: true, hasApparmor: true };
const NOTHING = { hasSelinux: false, hasApparmor: false };

const present = (config: object, confinement = EVERYTHING) => {
  const { text, changes } = presentConfig(
    JSON.stringify({ ociVersion: '1.0.0', ...config }),
    'config.json',
    confinement,
  );
  return { config: JSON.parse(text), changes };
};

describe('presentConfig', () => {
  it('leaves a text that needs no change as it is, to the letter', () => {
    const text =
      '{ "ociVersion": "1.0.2-dev",\n "process": {"cwd": "/", "selinuxLabel": "x"}, "linux": null }\n';

    expect(presentConfig(text, 'f', EVERYTHING)).toEqual({ text, changes: [] });
  });

  it.each(['0.6.0-dev', '1.0.0-rc5-dev', '1.0.0-rc1', ''])('makes version %j a final one', (ociVersion) => {
    expect(present({ ociVersion }).config).toEqual({ ociVersion: '1.0.2' });
  });

  it.each(['1.0.0', '1.0.2', '1.1.0', '1.2.0'])('leaves version %s alone', (ociVersion) => {
    expect(present({ ociVersion }).changes).toEqual([]);
  });

  it('adds a version that is missing', () => {
    expect(presentConfig('{}', 'f', EVERYTHING)).toEqual({
      text: '{\n    "ociVersion": "1.0.2"\n}',
      changes: ['ociVersion missing is now 1.0.2'],
    });
  });

  it('turns one list of capabilities into sets, none of them inheritable', () => {
    const capabilities = ['CAP_KILL'];
    const { config, changes } = present({ process: { cwd: '/', capabilities } });

    expect(config.process.capabilities).toEqual({
      bounding: capabilities,
      effective: capabilities,
      permitted: capabilities,
    });
    expect(changes).toEqual(['capabilities by set']);
  });

  it.each([
    {
      what: 'limits where they were before the first release candidate',
      config: { process: { cwd: '/' }, linux: { rlimits: [{ type: 'RLIMIT_NOFILE', hard: 1, soft: 1 }] } },
      expected: { process: { cwd: '/', rlimits: [{ type: 'RLIMIT_NOFILE', hard: 1, soft: 1 }] }, linux: {} },
    },
    {
      what: 'a swappiness below 0',
      config: { linux: { resources: { memory: { swappiness: -1, limit: 5 } } } },
      expected: { linux: { resources: { memory: { limit: 5 } } } },
    },
    {
      what: 'a seccomp rule with a single name',
      config: { linux: { seccomp: { syscalls: [{ name: 'read', action: 'A' }, { names: ['write'] }] } } },
      expected: {
        linux: { seccomp: { syscalls: [{ names: ['read'], action: 'A' }, { names: ['write'] }] } },
      },
    },
    { what: 'no directory to start in', config: { process: {} }, expected: { process: { cwd: '/' } } },
    {
      what: 'annotations in a list',
      config: { annotations: [{ key: 'a', value: 'b' }] },
      expected: { annotations: { a: 'b' } },
    },
    { what: 'a platform', config: { platform: { os: 'linux', arch: 'amd64' } }, expected: {} },
  ])('knows $what', ({ config, expected }) => {
    const { config: changed, changes } = present(config);

    expect(changed).toEqual({ ociVersion: '1.0.0', ...expected });
    expect(changes).toHaveLength(1);
  });

  it('makes a limit of -1 the highest there is, to the last digit', () => {
    const process = { cwd: '/', rlimits: [{ type: 'RLIMIT_MEMLOCK', hard: -1, soft: 5 }] };
    const { text } = presentConfig(JSON.stringify({ ociVersion: '1.0.0', process }), 'f', EVERYTHING);

    expect(text).toContain('"hard": 18446744073709551615,');
  });

  it('leaves out labels that the host cannot honour, and only those', () => {
    const config = {
      process: { cwd: '/', selinuxLabel: 'a', apparmorProfile: 'b' },
      linux: { mountLabel: 'c' },
    };

    expect(present(config).changes).toEqual([]);
    expect(present(config, { hasSelinux: false, hasApparmor: true }).config).toEqual({
      ociVersion: '1.0.0',
      process: { cwd: '/', apparmorProfile: 'b' },
      linux: {},
    });
    expect(present(config, NOTHING).changes).toEqual([
      'selinuxLabel left out (SELinux is not enabled)',
      'mountLabel left out (SELinux is not enabled)',
      'apparmorProfile left out (AppArmor is not enabled)',
    ]);
  });

  it('takes an empty label for none', () => {
    expect(present({ process: { cwd: '/', selinuxLabel: '' } }, NOTHING).changes).toEqual([]);
  });
});

describe('numbers of 64 bits', () => {
  const LIMIT = '18446744073709551615';

  it('stay what they are, whatever else is changed', () => {
    const text = `{"a": ${LIMIT}, "b": "${LIMIT}", "c": 9223372036854771712, "d": -${LIMIT}, "e": 1.5, "a": ${LIMIT}}`;

    const changed = withRootPath(text, 'f', '/x');

    expect(changed).toBe(
      `{\n    "a": ${LIMIT},\n    "b": "${LIMIT}",\n    "c": 9223372036854771712,\n    "d": -${LIMIT},\n    "e": 1.5,\n    "root": {\n        "path": "/x"\n    }\n}`,
    );
  });

  it('need not be there', () => {
    const config = { a: [1, 0.1, null, true, { b: 'x' }] };

    expect(formatOciConfig(parseOciConfig(JSON.stringify(config), 'f'))).toBe(
      JSON.stringify(config, undefined, 4),
    );
  });
});
