import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { AtomicError } from '../../../../src/errors.ts';
import {
  choosePlatform,
  HOST_ARCHITECTURE,
  requireArchitecture,
} from '../../../../src/images/sources/platform.ts';
import { parseManifest } from '../../../../src/images/store/manifest.ts';

/** The digest that stands for an entry: its number, repeated. */
const digest = (index: number) => `sha256:${String(index).repeat(64)}`;

/** A list of manifests from `OS/ARCHITECTURE[/VARIANT]`; an empty text stands for an entry without a platform. */
function listOf(...platforms: readonly string[]) {
  const manifests = platforms.map((text, index) => {
    const [os, architecture, variant] = text.split('/');
    return { digest: digest(index), ...(text === '' ? {} : { platform: { os, architecture, variant } }) };
  });
  return parseManifest(JSON.stringify({ manifests }), 'x');
}

describe('choosePlatform', () => {
  it.each([
    { name: 'the only one', platforms: ['linux/amd64'], architecture: 'amd64', want: 0 },
    {
      name: 'the architecture',
      platforms: ['linux/arm64', 'linux/s390x', 'linux/amd64'],
      architecture: 's390x',
      want: 1,
    },
    {
      name: 'Linux, not another system',
      platforms: ['windows/amd64', 'linux/amd64'],
      architecture: 'amd64',
      want: 1,
    },
    {
      name: 'no attestation and no entry without platform',
      platforms: ['', 'unknown/unknown', 'linux/amd64'],
      architecture: 'amd64',
      want: 2,
    },
    {
      name: 'the first of two alike',
      platforms: ['linux/amd64', 'linux/amd64'],
      architecture: 'amd64',
      want: 0,
    },
    {
      name: 'v7 of arm first',
      platforms: ['linux/arm/v5', 'linux/arm/v6', 'linux/arm/v7', 'linux/arm'],
      architecture: 'arm',
      want: 2,
    },
    {
      name: 'v6 of arm before v5',
      platforms: ['linux/arm', 'linux/arm/v5', 'linux/arm/v6'],
      architecture: 'arm',
      want: 2,
    },
    { name: 'v5 of arm before none', platforms: ['linux/arm', 'linux/arm/v5'], architecture: 'arm', want: 1 },
    {
      name: 'arm without variant before an unknown one',
      platforms: ['linux/arm/v8', 'linux/arm'],
      architecture: 'arm',
      want: 1,
    },
    { name: 'v8 of arm64', platforms: ['linux/arm64/v9', 'linux/arm64/v8'], architecture: 'arm64', want: 1 },
    {
      name: 'what every amd64 can run',
      platforms: ['linux/amd64/v3', 'linux/amd64'],
      architecture: 'amd64',
      want: 1,
    },
    {
      name: 'the same by its name',
      platforms: ['linux/amd64/v2', 'linux/amd64/v1'],
      architecture: 'amd64',
      want: 1,
    },
    {
      name: 'an empty variant for none',
      platforms: ['linux/s390x/z15', 'linux/s390x/'],
      architecture: 's390x',
      want: 1,
    },
    {
      name: 'an unknown variant rather than none',
      platforms: ['linux/amd64', 'linux/arm/v8'],
      architecture: 'arm',
      want: 1,
    },
    {
      name: 'arm64 whatever its variant',
      platforms: ['linux/arm/v7', 'linux/arm64/v8'],
      architecture: 'arm64',
      want: 1,
    },
  ])('takes $name', ({ platforms, architecture, want }) => {
    expect(choosePlatform(listOf(...platforms), 'x', architecture)).toBe(digest(want));
  });

  it.each([
    { platforms: ['linux/arm64', 'windows/amd64', 'linux/ppc64le'], available: 'linux/arm64, linux/ppc64le' },
    { platforms: ['', 'windows/amd64'], available: 'none' },
    { platforms: [], available: 'none' },
  ])('says that $platforms has none for amd64, and what there is', ({ platforms, available }) => {
    const choose = () => choosePlatform(listOf(...platforms), 'quay.io/x:1', 'amd64');

    expect(choose).toThrow(AtomicError);
    expect(choose).toThrow(`cannot pull quay.io/x:1: it has no manifest for linux/amd64, only: ${available}`);
  });

  it('takes the architecture of this machine when none is given', async () => {
    const { stdout: machine } = await execa('uname', ['-m']);
    const spelling = { x86_64: 'amd64', aarch64: 'arm64' }[machine] ?? machine;

    expect(HOST_ARCHITECTURE).toBe(spelling);
    expect(choosePlatform(listOf('linux/mips', `linux/${spelling}`), 'x')).toBe(digest(1));
  });
});

describe('requireArchitecture', () => {
  it.each([undefined, '', 'amd64'])('lets %j pass on amd64', (found) => {
    expect(() => requireArchitecture(found, 'x', 'amd64')).not.toThrow();
  });

  it('names both when they differ', () => {
    expect(() => requireArchitecture('arm64', 'quay.io/x:1', 'amd64')).toThrow(AtomicError);
    expect(() => requireArchitecture('arm64', 'quay.io/x:1', 'amd64')).toThrow(
      'cannot pull quay.io/x:1: it is for arm64, this machine is amd64',
    );
  });
});
