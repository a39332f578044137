import { chmodSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { type HostFile, readHostFiles } from '../../../../src/containers/host-files/read.ts';
import { stageHostFiles } from '../../../../src/containers/host-files/stage.ts';
import { useEmptyDirectory } from '../../support/directory.ts';

const root = useEmptyDirectory();
const mirror = join(root, 'mirror');
const outside = join(root, 'outside');
const NO_TABLES = { renames: {}, templates: [] };

beforeEach(() => {
  mkdirSync(outside);
  writeFileSync(join(outside, 'victim'), 'untouched');
});

/** An unpacked image with these host files: `-> text` for links, a final slash for directories. */
function image(tree: Readonly<Record<string, string>>): { rootfs: string; shownAs: string } {
  for (const [path, content] of Object.entries(tree)) {
    const place = join(root, 'rootfs/exports/hostfs', path);
    mkdirSync(path.endsWith('/') ? place : dirname(place), { recursive: true });
    if (content.startsWith('-> ')) symlinkSync(content.slice(3), place);
    else if (!path.endsWith('/')) writeFileSync(place, content);
  }
  return { rootfs: join(root, 'rootfs'), shownAs: '/image' };
}

const victim = () => [readFileSync(join(outside, 'victim'), 'utf8'), statSync(outside).mode & 0o777];

describe('the host files of an image', () => {
  it('are listed with their new paths, directories before what they hold', async () => {
    const tables = { renames: { '/opt/old': '/srv/new', '/opt/old/b': '/etc/b' }, templates: ['/srv/new/b'] };
    const files = await readHostFiles(image({ 'opt/old/a': '', 'opt/old/b': '$X', 'opt/e/': '' }), tables);

    expect(files.map(({ target, kind, template }) => [target, kind, template?.file])).toEqual([
      ['/opt', 'directory', undefined],
      ['/opt/e', 'empty directory', undefined],
      ['/srv/new', 'directory', undefined],
      ['/srv/new/a', 'file', undefined],
      ['/srv/new/b', 'file', '/image/exports/hostfs/opt/old/b'],
    ]);
  });

  it.each([
    {
      name: 'a directory that is renamed onto a link',
      tree: { 'opt/x': '-> /run/outside', 'zdir/cronjob': '' },
      renames: { '/zdir': '/opt/x' },
      line: "two files of the image go to '/opt/x'",
    },
    {
      name: 'a link that is renamed onto a directory',
      tree: { 'opt/x/': '', z: '-> /run/outside' },
      renames: { '/z': '/opt/x' },
      line: "two files of the image go to '/opt/x'",
    },
    {
      name: 'a file that is renamed below a link',
      tree: { 'opt/x': '-> /run/outside', z: '' },
      renames: { '/z': '/opt/x/deep/z' },
      line: "'/opt/x/deep/z' is below '/opt/x', which is a link of the image",
    },
    {
      name: 'a directory that is renamed below a file',
      tree: { 'opt/x': '', 'z/': '' },
      renames: { '/z': '/opt/x/z' },
      line: "'/opt/x/z' is below '/opt/x', which is a file of the image",
    },
    {
      name: 'two files that are renamed to one',
      tree: { a: '', b: '' },
      renames: { '/a': '/c', '/b': '/c' },
      line: "two files of the image go to '/c'",
    },
  ])('are refused with $name', async ({ tree, renames, line }) => {
    const read = readHostFiles(image(tree as Record<string, string>), { renames, templates: [] });

    await expect(read).rejects.toThrow(`Invalid manifest.json file in image: ${line}`);
  });

  it('may have directories that are renamed onto one another', async () => {
    const files = await readHostFiles(image({ 'a/one': '1', 'b/two': '2' }), {
      renames: { '/a': '/c', '/b': '/c' },
      templates: [],
    });

    stageHostFiles(files, {}, mirror);

    expect(['one', 'two'].map((name) => readFileSync(join(mirror, 'c', name), 'utf8'))).toEqual(['1', '2']);
  });
});

describe('host files that are laid out', () => {
  it('have the permissions of the image, templates too, and the content that is filled in', async () => {
    const place = image({ 'etc/secret': 'password=$P' });
    chmodSync(join(place.rootfs, 'exports/hostfs/etc/secret'), 0o400);
    const files = await readHostFiles(place, { renames: {}, templates: ['/etc/secret'] });

    stageHostFiles(files, { P: 'x' }, mirror);

    expect(readFileSync(join(mirror, 'etc/secret'), 'utf8')).toBe('password=x');
    expect(statSync(join(mirror, 'etc/secret')).mode & 0o777).toBe(0o400);
  });

  it.each<{ name: string; second: Pick<HostFile, 'target' | 'kind'> & { from: string } }>([
    { name: 'a file', second: { target: '/opt/x/evil', kind: 'file', from: '/file' } },
    { name: 'a directory', second: { target: '/opt/x', kind: 'directory', from: '/dir' } },
    { name: 'a directory below', second: { target: '/opt/x/sub', kind: 'directory', from: '/dir' } },
  ])('are never led out of the deployment, whatever the list says: $name', async ({ second }) => {
    const place = image({ 'opt/x': `-> ${outside}`, file: 'evil', 'dir/': '' });
    chmodSync(join(place.rootfs, 'exports/hostfs/dir'), 0o777);
    const hostfs = join(place.rootfs, 'exports/hostfs');
    const [link] = (await readHostFiles(place, NO_TABLES)).filter(({ kind }) => kind === 'link');
    const { from, ...entry } = second;
    const evil: HostFile = { ...entry, source: { root: hostfs, path: from } };
    const before = victim();

    expect(() => stageHostFiles(link === undefined ? [] : [link, evil], {}, mirror)).toThrow(
      /opt\/x is a symbolic link/,
    );
    expect(victim()).toEqual(before);
  });
});
