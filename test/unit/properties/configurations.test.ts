import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bindSources,
  formatOciConfig,
  parseOciConfig,
  requireSystemContainer,
  singleRunConfig,
  withRootPath,
} from '../../../src/containers/rendering/oci-config.ts';
import { presentConfig } from '../../../src/containers/rendering/present-config.ts';
import { pathsOfTmpfiles } from '../../../src/containers/rendering/tmpfiles.ts';
import { configForUser } from '../../../src/containers/rendering/user-config.ts';
import { anyText, holds, LIMIT, orOwnError } from '../support/properties.ts';

const NOTHING = { hasSelinux: false, hasApparmor: false };
const IDS = { uid: 1000, gid: 1000, uids: [], gids: [], lacksTools: false, controllers: [] };
const RIGHTS = { ...IDS, limits: new Map([['RLIMIT_NOFILE', 9]]), isOfSystem: () => false };

const anything = fc.jsonValue({ maxDepth: 2 });
/** A record some of whose keys are there, with what belongs there or with anything else. */
const some = (keys: Readonly<Record<string, fc.Arbitrary<unknown>>>): fc.Arbitrary<unknown> => {
  const values = Object.entries(keys).map(
    ([key, value]) => [key, fc.oneof({ weight: 6, arbitrary: value }, anything)] as const,
  );
  return fc.record(Object.fromEntries(values), { requiredKeys: [] });
};
const list = (item: fc.Arbitrary<unknown>) => fc.array(item, { maxLength: 3 });
const label = fc.constantFrom('', 'system_u:object_r:x:s0', 'docker-default');

/** Configurations of all times, and what hardly is one. */
const configuration = some({
  ociVersion: fc.constantFrom('', '0.1.0', '0.6.0-dev', '1.0.0-rc5', '1.0.0', '1.0.2-dev', '1.1.0', '2'),
  platform: some({ os: fc.constant('linux') }),
  annotations: fc.oneof(list(some({ key: fc.string(), value: fc.string() })), anything),
  process: some({
    cwd: fc.constantFrom('', '/', '/srv'),
    args: list(fc.string()),
    capabilities: fc.oneof(list(fc.constant('CAP_KILL')), some({ bounding: list(fc.string()) })),
    rlimits: list(some({ type: fc.string(), hard: fc.maxSafeInteger(), soft: fc.integer() })),
    selinuxLabel: label,
    apparmorProfile: label,
  }),
  root: some({ path: fc.constantFrom('rootfs', '/x'), readonly: fc.boolean() }),
  mounts: list(
    some({ destination: fc.string(), type: fc.constantFrom('bind', 'tmpfs'), source: fc.string() }),
  ),
  linux: some({
    rlimits: list(some({ type: fc.string(), hard: fc.integer(), soft: fc.integer() })),
    mountLabel: label,
    resources: some({ memory: some({ swappiness: fc.integer() }), devices: list(anything) }),
    seccomp: some({ syscalls: list(some({ name: fc.string(), names: list(fc.string()) })) }),
    namespaces: list(some({ type: fc.constantFrom('user', 'network', 'pid') })),
    uidMappings: list(anything),
  }),
}).map((config) => JSON.stringify(config));

describe('a configuration', () => {
  it('is brought up to date once, and then stays as it is', { timeout: LIMIT }, async () => {
    await holds(configuration, async (text) => {
      const present = await orOwnError(() => presentConfig(text, 'config.json', NOTHING));
      if (present === undefined) return;
      const again = presentConfig(present.text, 'config.json', NOTHING);
      expect(again).toEqual({ text: present.text, changes: [] });
      if (present.changes.length === 0) expect(present.text).toBe(text);
    });
  });

  it('is made one for a user, for another root and for a single run, or is refused', {
    timeout: LIMIT,
  }, async () => {
    await holds(configuration, async (text) => {
      await orOwnError(() => configForUser(text, 'config.json', RIGHTS));
      await orOwnError(() => requireSystemContainer(parseOciConfig(text, 'config.json'), 'config.json'));
      await orOwnError(() => bindSources(parseOciConfig(text, 'config.json'), 'config.json'));
      const single = { rootPath: 'rootfs', command: ['sh'], stdinIsTty: false };
      const run = await orOwnError(() => singleRunConfig(text, 'config.json', single));
      if (run !== undefined) expect(JSON.parse(run)).toMatchObject({ process: { args: ['sh'] } });
      const moved = await orOwnError(() => withRootPath(text, 'config.json', '/x'));
      if (moved !== undefined) expect(JSON.parse(moved).root.path).toBe('/x');
    });
  });

  it('keeps numbers of 64 bits', { timeout: LIMIT }, async () => {
    const numbers = fc.array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }), { maxLength: 5 });
    await holds(numbers, (limits) => {
      const text = `{"limits":[${limits.join(',')}]}`;
      expect(formatOciConfig(parseOciConfig(text, 'f')).replaceAll(/\s/g, '')).toBe(text);
    });
  });
});

describe('tmpfiles.d files of others', () => {
  it('are read, whatever they hold', { timeout: LIMIT }, async () => {
    await holds(anyText('d /run"\n#L+!-'), (text) => {
      for (const path of pathsOfTmpfiles(text)) expect(text).toContain(path);
    });
  });
});
