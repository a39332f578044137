import { describe, expect, it } from 'vitest';
import { groupOfRoot } from '../../../../src/images/store/passage.ts';

const withLinux = (linux: unknown) => JSON.stringify({ ociVersion: '1.0.2', linux });
const user = [{ type: 'pid' }, { type: 'user' }];
const mapping = (hostID: unknown, containerID = 0) => [{ containerID, hostID, size: 10 }];

describe('the group of the root in a container', () => {
  it('is what the user namespace makes of it', () => {
    expect(groupOfRoot(withLinux({ namespaces: user, gidMappings: mapping(200000) }))).toBe(200000);
  });

  it.each([
    ['without a user namespace', withLinux({ namespaces: [{ type: 'pid' }], gidMappings: mapping(7) })],
    [
      'mapped to itself, as in the default of a runtime',
      withLinux({ namespaces: user, gidMappings: mapping(0) }),
    ],
    ['that is not mapped', withLinux({ namespaces: user, gidMappings: mapping(7, 1) })],
    [
      'that chown(2) would take for "no change"',
      withLinux({ namespaces: user, gidMappings: mapping(2 ** 32 - 1) }),
    ],
    ['below 0', withLinux({ namespaces: user, gidMappings: mapping(-1) })],
    ['of another kind', withLinux({ namespaces: user, gidMappings: 'all' })],
    ['in no JSON', '{'],
    ['in nothing', ''],
  ])('is nobody but root %s', (_, config) => {
    expect(groupOfRoot(config)).toBeUndefined();
  });
});
