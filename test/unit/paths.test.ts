import { existsSync, mkdirSync, realpathSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Config } from '../../src/config.ts';
import { pathsOf } from '../../src/paths.ts';
import { useDirectory } from './support/directory.ts';

const directory = realpathSync(useDirectory());

const ROOT = { uid: 0, gid: 0, home: '/root', isRoot: true };
const USER = { uid: 1000, gid: 100, home: '/home/u', isRoot: false };

const configOf = (config: Partial<Config> = {}): Config => ({ default_storage: 'ostree', ...config });

describe('pathsOf', () => {
  it('has the places of the system for root, whatever XDG says', () => {
    const env = { ATOMIC_OSTREE_REPO: '/repo', XDG_DATA_HOME: '/data', XDG_RUNTIME_DIR: '/runtime' };

    expect(pathsOf(env, configOf(), ROOT)).toEqual({
      root: '/',
      checkouts: '/var/lib/containers/atomic',
      hasUsualCheckouts: true,
      linkable: '/var/lib/containers/atomic',
      storage: '/var/lib/containers/atomic/.storage',
      repository: '/repo',
      preinstalled: '/usr/lib/containers/atomic',
      units: '/etc/systemd/system',
      tmpfiles: '/etc/tmpfiles.d',
      locks: '/run/atomic/locks',
      temporary: '/run/atomic',
      run: '/run',
      configuration: '/etc',
      state: '/var/lib',
      scanSummary: '/var/lib/atomic/scan_summary.json',
    });
  });

  it('has places below the home of an ordinary user', () => {
    expect(pathsOf({}, configOf(), USER)).toEqual({
      root: '/',
      checkouts: '/home/u/.local/share/containers/atomic',
      hasUsualCheckouts: true,
      linkable: '/home/u/.local/share/containers/atomic',
      storage: '/home/u/.local/share/containers/atomic/.storage',
      repository: '/home/u/.local/share/containers/atomic/repo',
      preinstalled: '/usr/lib/containers/atomic',
      units: '/home/u/.config/systemd/user',
      tmpfiles: '/home/u/.local/share/containers/tmpfiles',
      locks: '/run/user/1000/atomic/locks',
      temporary: '/run/user/1000/atomic',
      run: '/run/user/1000',
      configuration: '/home/u/.config',
      state: '/home/u/.data',
      scanSummary: '/var/lib/atomic/scan_summary.json',
    });
  });

  it('puts data and what is running where XDG says, for an ordinary user', () => {
    const env = { XDG_DATA_HOME: '/data', XDG_RUNTIME_DIR: '/runtime', XDG_CONFIG_HOME: '/ignored' };

    expect(pathsOf(env, configOf(), USER)).toMatchObject({
      checkouts: '/data/containers/atomic',
      storage: '/data/containers/atomic/.storage',
      repository: '/data/containers/atomic/repo',
      units: '/home/u/.config/systemd/user',
      tmpfiles: '/data/containers/tmpfiles',
      locks: '/runtime/atomic/locks',
      run: '/runtime',
    });
  });

  it.each([
    {
      name: 'the environment',
      env: { ATOMIC_OSTREE_CHECKOUT_PATH: '/env' },
      config: { checkout_path: '/conf' },
      user: ROOT,
      want: '/env',
    },
    {
      name: 'the configuration',
      env: { ATOMIC_OSTREE_CHECKOUT_PATH: '' },
      config: { checkout_path: '/conf' },
      user: ROOT,
      want: '/conf',
    },
    {
      name: 'the environment, for a user',
      env: { ATOMIC_OSTREE_CHECKOUT_PATH: '/env' },
      config: { checkout_path: '/conf' },
      user: USER,
      want: '/env',
    },
    {
      name: 'the configuration, for a user',
      env: {},
      config: { checkout_path: '/conf' },
      user: USER,
      want: '/conf',
    },
  ])('takes checkouts from $name', ({ env, config, user, want }) => {
    const { checkouts, storage } = pathsOf({ ...env, ATOMIC_OSTREE_REPO: '/repo' }, configOf(config), user);

    expect({ checkouts, storage }).toEqual({ checkouts: want, storage: `${want}/.storage` });
  });

  it.each([
    {
      name: 'the environment',
      env: { ATOMIC_OSTREE_REPO: '/env' },
      config: { ostree_repository: '/conf' },
      user: ROOT,
      want: '/env',
    },
    {
      name: 'the environment, for a user',
      env: { ATOMIC_OSTREE_REPO: '/env' },
      config: {},
      user: USER,
      want: '/env',
    },
    {
      name: 'the configuration',
      env: { ATOMIC_OSTREE_REPO: '' },
      config: { ostree_repository: '/conf' },
      user: ROOT,
      want: '/conf',
    },
    {
      name: 'the home of a user, whatever is configured',
      env: { ATOMIC_OSTREE_CHECKOUT_PATH: '/ck' },
      config: { ostree_repository: '/conf' },
      user: USER,
      want: '/home/u/.local/share/containers/atomic/repo',
    },
  ])('takes the repository from $name', ({ env, config, user, want }) => {
    expect(pathsOf(env, configOf(config), user).repository).toBe(want);
  });

  it('follows links on the way to the checkouts and to the repository', () => {
    mkdirSync(join(directory, 'disk/containers'), { recursive: true });
    symlinkSync('disk/containers', join(directory, 'link'));
    const places = (name: string) => {
      const env = { ATOMIC_OSTREE_CHECKOUT_PATH: join(directory, name, 'atomic') };
      const { checkouts, linkable, repository } = pathsOf(env, configOf(), ROOT);
      return { checkouts, linkable, repository };
    };

    expect(places('link')).toEqual(places('disk/containers'));
    expect(places('link').checkouts).toBe(join(directory, 'disk/containers/atomic'));
  });

  it.skipIf(existsSync('/ostree/repo/config'))(
    'keeps the repository among the checkouts of root otherwise',
    () => {
      expect(pathsOf({ ATOMIC_OSTREE_CHECKOUT_PATH: '/ck' }, configOf(), ROOT).repository).toBe(
        '/ck/.storage/ostree',
      );
    },
  );

  it.each([
    { env: { ATOMIC_VAR_LIB: '/var/scans' }, want: '/var/scans/scan_summary.json' },
    { env: { ATOMIC_VAR_LIB: '' }, want: '/var/lib/atomic/scan_summary.json' },
  ])('finds the verdicts of scanners with $env', ({ env, want }) => {
    expect(pathsOf(env, configOf(), USER).scanSummary).toBe(want);
  });
});
