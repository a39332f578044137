import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  activePath,
  containerFolders,
  containerPaths,
  parseInfo,
  preinstalledPath,
  readDeployment,
  slotOf,
  tmpfilesCopy,
  unitCopy,
} from '../../../../src/containers/deployments/deployment.ts';
import { AtomicError } from '../../../../src/errors.ts';
import { contextFor } from '../../support/context.ts';

let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'atomic-deployment-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** Makes folders, files (with their text) and links (`-> target`) below a new folder, and returns it. */
async function folderWith(name: string, entries: Readonly<Record<string, string | null>>): Promise<string> {
  const root = join(folder, name);
  await mkdir(root);
  for (const [path, content] of Object.entries(entries)) {
    const full = join(root, path);
    if (content === null) await mkdir(full, { recursive: true });
    else if (content.startsWith('-> ')) await symlink(content.slice(3).replace('$ROOT', root), full);
    else await writeFile(full, content);
  }
  return root;
}

describe('readDeployment', () => {
  it('reads the record of a folder', async () => {
    const text = '{"image": "x", "created": 7}';
    const path = await folderWith('read', { info: text });

    expect(readDeployment('etcd', path)).toEqual({ name: 'etcd', path, info: parseInfo(text, '') });
  });

  it.each([
    { name: 'missing', entries: {} },
    { name: 'a folder', entries: { info: null } },
    { name: 'a dangling link', entries: { info: '-> nowhere' } },
    { name: 'a link to itself', entries: { info: '-> info' } },
  ])('names an info that is $name', async ({ name, entries }) => {
    const path = await folderWith(name, entries);

    expect(() => readDeployment('x', path)).toThrow(AtomicError);
    expect(() => readDeployment('x', path)).toThrow(
      `cannot read ${path}/info: it is missing or not a readable file`,
    );
  });

  it('names the info below what is no folder', async () => {
    const root = await folderWith('no-folder', { file: '' });

    expect(() => readDeployment('x', join(root, 'file'))).toThrow(
      `cannot read ${root}/file/info: it is missing`,
    );
  });
});

describe('containerPaths', () => {
  it('has the two slots beside the link, and the files on the host', () => {
    expect(containerPaths(contextFor({ checkouts: '/ck' }), 'a.b')).toEqual({
      link: '/ck/a.b',
      slots: ['/ck/a.b.0', '/ck/a.b.1'],
      unit: '/etc/systemd/system/a.b.service',
      tmpfiles: '/etc/tmpfiles.d/a.b.conf',
    });
  });

  it('is below the home of an ordinary user', () => {
    expect(containerPaths(contextFor({ checkouts: '/ck', uid: 1000 }), 'x')).toMatchObject({
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
    const root = await folderWith('active', {
      'a.0': null,
      'a.1': null,
      a: '-> $ROOT/a.1',
      b: '-> a.0',
      c: '-> ../active/a.0/',
      folder: null,
      file: '',
      dangling: '-> $ROOT/nowhere',
    });
    const context = contextFor({ checkouts: root });
    const names = ['a', 'b', 'c', 'folder', 'file', 'dangling', 'nothing'];

    expect(Object.fromEntries(names.map((name) => [name, activePath(context, name)]))).toEqual({
      a: join(root, 'a.1'),
      b: join(root, 'a.0'),
      c: join(root, 'a.0'),
    });
  });
});

describe('preinstalledPath', () => {
  it('is the folder of the distribution when it holds a record', async () => {
    const preinstalled = await folderWith('preinstalled', { a: null, 'a/info': '{}', b: null });
    const context = contextFor();
    const shipped = { ...context, paths: { ...context.paths, preinstalled } };

    expect(['a', 'b', 'c'].map((name) => preinstalledPath(shipped, name))).toEqual([
      join(preinstalled, 'a'),
      undefined,
      undefined,
    ]);
  });
});

describe('containerFolders', () => {
  it('lists links and folders, sorted, without what is hidden and without the slots of links', async () => {
    const root = await folderWith('folders', {
      'b.0': null,
      b: '-> b.0',
      'b.1': null,
      'a.0.0': null,
      'a.0.5': null,
      'a.0': '-> a.0.0',
      'orphan.1': null,
      plain: null,
      'plain.0': null,
      file: '',
      dangling: '-> dangling.0',
      'dangling.1': null,
      'b.2': null,
      'b.10': null,
      '.storage': null,
      '.b.0.new': null,
      Z: '-> b.0',
    });

    const names = [
      'Z',
      'a.0',
      'a.0.5',
      'b',
      'b.10',
      'b.2',
      'dangling',
      'file',
      'orphan.1',
      'plain',
      'plain.0',
    ];
    expect(containerFolders(root)).toEqual(names.map((name) => [name, join(root, name)]));
  });

  it('has none where there is no folder', () => {
    expect(containerFolders(join(folder, 'nowhere'))).toEqual([]);
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
