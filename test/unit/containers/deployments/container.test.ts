import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  activePath,
  type Container,
  containerOf,
  isStagingOf,
  preinstalledPath,
  slotOf,
  tmpfilesCopy,
  unitCopy,
} from '../../../../src/containers/deployments/container.ts';
import { isContainerName, parseContainerName } from '../../../../src/containers/deployments/name.ts';
import { temporaryNameFor } from '../../../../src/host/files/files.ts';
import { contextFor } from '../../support/context.ts';
import { folderWith } from '../../support/folder-with.ts';
import { holds, LIMIT } from '../../support/properties.ts';

let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'atomic-container-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

function named(name: string, where: { checkouts: string; uid?: number }): Container {
  return containerOf(contextFor(where), parseContainerName(name));
}

describe('containerOf', () => {
  it('has the two slots beside the link, and the files on the host', () => {
    expect(named('a.b', { checkouts: '/ck' })).toMatchObject({
      name: 'a.b',
      service: 'a.b.service',
      marker: '/ck/.a.b.pending',
      link: '/ck/a.b',
      slots: ['/ck/a.b.0', '/ck/a.b.1'],
      unit: '/etc/systemd/system/a.b.service',
      tmpfiles: '/etc/tmpfiles.d/a.b.conf',
    });
  });

  it('is below the home of an ordinary user', () => {
    expect(named('x', { checkouts: '/ck', uid: 1000 })).toMatchObject({
      unit: '/home/somebody/.config/systemd/user/x.service',
      tmpfiles: '/home/somebody/.local/share/containers/tmpfiles/x.conf',
    });
  });

  it('has copies of those inside a deployment', () => {
    expect([unitCopy('/ck/x.0', 'x'), tmpfilesCopy('/ck/x.0', 'x')]).toEqual([
      '/ck/x.0/x.service',
      '/ck/x.0/tmpfiles-x.conf',
    ]);
  });
});

describe('activePath', () => {
  it('is where the link points to, be it absolute or relative', async () => {
    const root = await folderWith(join(folder, 'active'), {
      'a.0': null,
      'a.1': null,
      a: '-> $ROOT/a.1',
      b: '-> a.0',
      c: '-> ../active/a.0/',
      folder: null,
      file: '',
      dangling: '-> $ROOT/nowhere',
    });
    const names = ['a', 'b', 'c', 'folder', 'file', 'dangling', 'nothing'];

    expect(
      Object.fromEntries(names.map((name) => [name, activePath(named(name, { checkouts: root }))])),
    ).toEqual({
      a: join(root, 'a.1'),
      b: join(root, 'a.0'),
      c: join(root, 'a.0'),
    });
  });
});

describe('preinstalledPath', () => {
  it('is the folder of the distribution when it holds a record', async () => {
    const preinstalled = await folderWith(join(folder, 'preinstalled'), { a: null, 'a/info': '{}', b: null });
    const context = contextFor();
    const shipped = { ...context, paths: { ...context.paths, preinstalled } };

    expect(
      ['a', 'b', 'c'].map((name) => preinstalledPath(containerOf(shipped, parseContainerName(name)))),
    ).toEqual([join(preinstalled, 'a'), undefined, undefined]);
  });
});

describe('isStagingOf', () => {
  const container = named('foo', { checkouts: '/ck' });

  it('knows the staging directories of a slot, whoever made them', () => {
    const ours = [basename(container.staging(0)), '.foo.0.new-4711'];
    const others = [
      basename(container.staging(1)),
      basename(container.saved(0)),
      // the marker and the staging directory of a container that is called foo.0.new-1
      '.foo.0.new-1.pending',
      '.foo.0.new-1.0.new-4711',
      '.foo.0.new-',
      'foo.0.new-1',
    ];

    expect([...ours, ...others].filter((entry) => isStagingOf(container, 0, entry))).toEqual(ours);
  });
});

describe('slotOf', () => {
  it.each([
    { path: '/ck/x.0', want: 0 },
    { path: '/ck/x.1', want: 1 },
    { path: '/ck/x.1.0', want: 0 },
    { path: '/ck/x.0/', want: 0 },
    { path: '/ck/x', want: undefined },
    { path: '/ck/x.2', want: undefined },
    { path: '/ck/x.10', want: undefined },
    { path: '/ck.0/x', want: undefined },
  ])('of $path is $want', ({ path, want }) => {
    expect(slotOf(path)).toBe(want);
  });
});

describe('what is hidden of a container', () => {
  /** Every hidden entry that commands on a container make. */
  const hidden = (name: string): readonly string[] => {
    const { link, marker, hostFiles, staging, saved } = named(name, { checkouts: '/ck' });
    const own = [marker, hostFiles, staging(0), staging(1), saved(0), saved(1)];
    return [...own, ...[link, marker].map(temporaryNameFor)].map((path) => basename(path));
  };
  /** Names that look like ours, and those that are made of the same pieces. */
  const piece = fc.constantFrom(
    'a',
    '0',
    '1',
    'new-7',
    'old',
    'pending',
    'tmp',
    'host-files',
    'mount-1',
    'pull-1-abcdef',
  );
  const names = fc
    .array(piece, { minLength: 1, maxLength: 4 })
    .map((pieces) => pieces.join('.'))
    .filter(isContainerName);

  it('is what nothing else on this host is called', { timeout: LIMIT }, async () => {
    await holds(fc.tuple(names, names), ([one, other]) => {
      if (one === other) return;
      const others = new Set([...hidden(other), other, `${other}.0`, `${other}.1`]);
      expect(hidden(one).filter((entry) => others.has(entry))).toEqual([]);
    });
  });

  it('looks like no directory of a mount, a pull or a run', { timeout: LIMIT }, async () => {
    const likeOurs = /^\.(mount-[0-9a-f]{16}|(pull|run-once|run)-\d+-[A-Za-z0-9]{6}|storage)$/;
    const lookalikes = fc.constantFrom(
      'mount-0123456789abcdef',
      'pull-1-abcdef',
      'run-once-99-abcdef',
      'storage',
    );
    await holds(fc.oneof(names, lookalikes), (name) => {
      expect(hidden(name).filter((entry) => likeOurs.test(entry))).toEqual([]);
    });
  });
});
