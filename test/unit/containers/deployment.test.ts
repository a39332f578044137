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
  renderInfo,
  slotOf,
  tmpfilesCopy,
  unitCopy,
} from '../../../src/containers/deployment.ts';
import { AtomicError } from '../../../src/errors.ts';
import { contextFor } from '../support/context.ts';
import { mutated, randomFrom } from '../support/noise.ts';

/** As the Python tool writes it. */
const RECORD = {
  image: 'docker.io/gscrivano/etcd',
  revision: 'ab'.repeat(32),
  'ostree-commit': 'cd'.repeat(32),
  created: 1580702706,
  values: { NAME: 'etcd', HOST_UID: 0, HOST_GID: 0, PORT: '2379', FLAG: true },
  'has-container-service': true,
  'installed-files': ['/usr/local/bin/etcdctl'],
  'installed-files-checksum': { '/usr/local/bin/etcdctl': 'ef'.repeat(32) },
  'installed-files-template': [],
  'rename-installed-files': {},
  'rpm-installed': null,
  'system-package': 'no',
  remote: null,
  'use-links': true,
  runtime: '/usr/bin/runc',
};

/** What a reader sees where a record says nothing. */
const DEFAULTS = {
  image: '',
  revision: '',
  'ostree-commit': '',
  created: 0,
  values: {},
  'has-container-service': true,
  'use-links': false,
};

const NULLS = {
  'installed-files': null,
  'installed-files-checksum': null,
  'rpm-installed': null,
  'system-package': null,
  remote: null,
  runtime: null,
};

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

describe('parseInfo', () => {
  it('reads a record of the Python tool', () => {
    expect(parseInfo(JSON.stringify(RECORD), '/f')).toEqual(RECORD);
  });

  it.each([
    { name: 'none of the keys', record: {}, want: {} },
    { name: 'null for the revision', record: { revision: null }, want: {} },
    {
      name: 'keys that we do not know',
      record: { later: [1], image: 'x' },
      want: { later: [1], image: 'x' },
    },
    { name: 'the names that were set', record: { 'set-values': ['PORT'] }, want: { 'set-values': ['PORT'] } },
    {
      name: 'no container service',
      record: { 'has-container-service': false, 'use-links': true },
      want: { 'has-container-service': false, 'use-links': true },
    },
    { name: 'null where it may stand', record: NULLS, want: NULLS },
    {
      name: 'what nobody needs to be right',
      record: {
        image: 1,
        'ostree-commit': [],
        created: '1',
        values: 'x',
        'has-container-service': 'yes',
        'use-links': 1,
      },
      want: {},
    },
  ])('reads a record with $name', ({ record, want }) => {
    expect(parseInfo(JSON.stringify(record), '/f')).toEqual({ ...DEFAULTS, ...want });
  });

  it.each([
    { name: 'nothing', text: '' },
    { name: 'half a record', text: JSON.stringify(RECORD).slice(0, 99) },
    { name: 'a list', text: '[]' },
    { name: 'null', text: 'null' },
    { name: 'a revision that is no text', text: '{"revision":7}' },
    { name: 'one file instead of a list', text: '{"installed-files":"/etc/passwd"}' },
    { name: 'a checksum that is no text', text: '{"installed-files-checksum":{"/a":1}}' },
    { name: 'a runtime that is no text', text: '{"runtime":["/bin/sh"]}' },
    { name: 'a remote that is no text', text: '{"remote":false}' },
  ])('calls a record damaged that holds $name', ({ text }) => {
    expect(() => parseInfo(text, '/ck/x.0/info')).toThrow(AtomicError);
    expect(() => parseInfo(text, '/ck/x.0/info')).toThrow(
      "/ck/x.0/info is damaged: it does not hold a deployment's record",
    );
  });

  it('survives mutations', () => {
    const random = randomFrom(4);
    const bytes = Buffer.from(JSON.stringify(RECORD));
    const verdicts = new Set<string>();

    for (let round = 0; round < 3000; round++) {
      try {
        const info = parseInfo(mutated(bytes, random).toString(), '/f');
        expect(info).toMatchObject({
          image: expect.any(String),
          revision: expect.any(String),
          created: expect.any(Number),
        });
        verdicts.add('read');
      } catch (error) {
        expect(error).toBeInstanceOf(AtomicError);
        verdicts.add('refused');
      }
    }

    expect(verdicts).toEqual(new Set(['read', 'refused']));
  });
});

describe('renderInfo', () => {
  it('is indented by four blanks and ends its last line', () => {
    expect(renderInfo({ image: 'x', values: { A: '1' } })).toBe(
      '{\n    "image": "x",\n    "values": {\n        "A": "1"\n    }\n}\n',
    );
  });

  it('is read back', () => {
    expect(parseInfo(renderInfo(RECORD), '/f')).toEqual(RECORD);
  });
});

describe('readDeployment', () => {
  it('reads the record of a folder', async () => {
    const path = await folderWith('read', { info: renderInfo(RECORD) });

    expect(readDeployment('etcd', path)).toEqual({ name: 'etcd', path, info: RECORD });
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

    const names = ['Z', 'a.0', 'b', 'b.10', 'b.2', 'dangling', 'file', 'orphan.1', 'plain', 'plain.0'];
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
