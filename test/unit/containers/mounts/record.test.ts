import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  createMountDirectory,
  emptyOf,
  imageOf,
  isMountOf,
  type MountRecord,
  mountDirectories,
  mountsOf,
  writeRecord,
} from '../../../../src/containers/mounts/record.ts';
import { contextFor } from '../../support/context.ts';
import { useEmptyDirectory } from '../../support/directory.ts';

const checkouts = useEmptyDirectory();
const context = contextFor({ checkouts });
const RECORD: MountRecord = { target: '/mnt/view', state: 'mounted' };

describe('the directory of a mount', () => {
  it('is found again with its record, as it was written last', async () => {
    const made = await createMountDirectory(context, { target: '/mnt/view', state: 'extracting' });
    await writeRecord(made, RECORD);

    expect(mountDirectories(context)).toEqual([{ ...made, record: RECORD }]);
  });

  it('is ours alone, and what is shown has the mode of a root, whatever the umask', async () => {
    const before = process.umask(0o077);
    const made = await createMountDirectory(context, RECORD).finally(() => process.umask(before));

    const modes = [made.path, imageOf(made), emptyOf(made)].map(
      async (path) => (await stat(path)).mode & 0o777,
    );
    expect(await Promise.all(modes)).toEqual([0o700, 0o755, 0o755]);
  });

  it('is another one each time', async () => {
    await createMountDirectory(context, RECORD);
    await createMountDirectory(context, RECORD);

    expect(new Set(mountDirectories(context).map(({ label }) => label)).size).toBe(2);
  });

  it('is known by its name, to the letter', async () => {
    const others = [
      '.mount-nfs',
      '.mount-nfs.pending',
      '.mount-nfs.1.old',
      '.mount-0123456789abcdef.0.new-7',
    ];
    others.push('.mount-0123456789ABCDEF', 'x.mount-0123456789abcdef', '.mount-0123456789abcdef0');
    for (const name of others) await mkdir(join(checkouts, name));
    await writeFile(join(checkouts, '.mount-0123456789abcdef'), '');

    expect(mountDirectories(context)).toEqual([]);
  });

  it.each([
    { what: 'is missing', text: undefined },
    { what: 'is empty', text: '' },
    { what: 'is cut short', text: '{"target":"/m' },
    { what: 'is of another kind', text: '{"target":1,"state":"mounted"}' },
    { what: 'has a state that nobody knows', text: '{"target":"/m","state":"gone"}' },
  ])('has no record when that $what', async ({ text }) => {
    const path = join(checkouts, '.mount-0123456789abcdef');
    await mkdir(path);
    if (text !== undefined) await writeFile(join(path, 'record.json'), text);

    expect(mountDirectories(context)).toEqual([
      { path, label: 'atomic:0123456789abcdef', record: undefined },
    ]);
  });

  it('has none before anything is installed', () => {
    expect(mountDirectories(contextFor({ checkouts: join(checkouts, 'nothing') }))).toEqual([]);
  });

  it('leaves nothing behind when it is replaced', async () => {
    const made = await createMountDirectory(context, RECORD);

    expect((await readdir(made.path)).sort()).toEqual(['empty', 'image', 'record.json']);
  });
});

describe('a line of the mount table', () => {
  const made = { path: '/ck/.mount-0123456789abcdef', label: 'atomic:0123456789abcdef', record: RECORD };

  it.each([
    { what: 'the view of it', source: 'atomic:0123456789abcdef', root: '/', isOurs: true },
    {
      what: 'a bind mount of its files',
      source: '/dev/sda1',
      root: '/x/.mount-0123456789abcdef/image',
      isOurs: true,
    },
    { what: 'the view of another', source: 'atomic:fedcba9876543210', root: '/', isOurs: false },
    { what: 'something else in it', source: '/dev/sda1', root: '/x/.mount-0123456789abcdef', isOurs: false },
    { what: 'anything', source: 'tmpfs', root: '/', isOurs: false },
  ])('shows $what: $isOurs', ({ source, root, isOurs }) => {
    expect(isMountOf(made, { point: '/mnt/view', source, root })).toBe(isOurs);
  });

  it('is not there for what is not mounted', () => {
    expect(mountsOf(made)).toEqual([]);
  });
});
