import { lstatSync, readdirSync, readlinkSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { execa } from 'execa';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { commitTar, initRepository } from '../../../../src/host/ostree/program.ts';
import { resolveRef } from '../../../../src/host/ostree/refs.ts';
import { readCommit } from '../../../../src/host/ostree/repository.ts';
import { TarFilter } from '../../../../src/host/tar/filter.ts';
import { importLayer } from '../../../../src/images/layers/import.ts';
import { blobRef } from '../../../../src/images/names/refs.ts';
import { type Entry, tarOf } from '../../../support/tar-writer.ts';
import { contextFor } from '../../support/context.ts';
import { useDirectory } from '../../support/directory.ts';
import { holds, LIMIT } from '../../support/properties.ts';

const directory = useDirectory();
const isRoot = process.getuid?.() === 0;
const context = contextFor({ checkouts: directory });
const HEX = 'a'.repeat(64);

async function repository(folder: string, name: string): Promise<string> {
  const path = join(folder, name);
  await mkdir(path);
  await initRepository(context, path);
  return path;
}

/**
 * Entries for the directories that have something in them, to stand in front: when ostree(1) makes one without an
 * entry, it forgets what those above it were to be.
 */
function parentsOf(entries: readonly Entry[]): readonly Entry[] {
  const paths = entries
    .filter(({ type }) => type !== '3')
    .map(({ name, pax }) => pax?.path ?? String(name))
    .map((path) => path.split('/').filter((part) => part !== '' && part !== '.'));
  const parents = paths.flatMap((parts) => parts.slice(0, -1).map((_, index) => parts.slice(0, index + 1)));
  return parents.map((parts) => ({ name: `${parts.join('/')}/`, type: '5', mode: 0o755 }));
}

/** The root of a layer's commit, and what the repository has: as ostree(1) makes it of the whole layer, and as we do. */
async function bothWays(entries: readonly Entry[]): Promise<{ theirs: Result; ours: Result }> {
  const folder = await mkdtemp(join(directory, 'layer-'));
  try {
    const [theirs, ours] = [await repository(folder, 'theirs'), await repository(folder, 'ours')];
    return {
      theirs: await outcome(theirs, async () => {
        const filter = new TarFilter('layer');
        Readable.from([tarOf([...parentsOf(entries), ...entries])]).pipe(filter);
        return await commitTar(context, theirs, filter);
      }),
      ours: await outcome(ours, async () => await imported(ours, tarOf(entries), join(folder, 'blob'))),
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}

interface Result {
  /** Checksums, or nothing for a layer that is refused. */
  readonly root: { tree: string; meta: string } | undefined;
  readonly objects: readonly string[];
}

async function outcome(path: string, commit: () => Promise<string>): Promise<Result> {
  try {
    const { tree, meta } = readCommit(path, await commit());
    await execa('ostree', [`--repo=${path}`, 'fsck', '-q']);
    return { root: { tree, meta }, objects: objectsOf(path) };
  } catch (error) {
    if (!(error instanceof Error) || /fsck/.test(error.message)) throw error;
    return { root: undefined, objects: [] };
  }
}

async function imported(staging: string, archive: Buffer, file: string): Promise<string> {
  await writeFile(file, archive);
  const make = async (arrival: { make(staging: string): Promise<void> }) => await arrival.make(staging);
  const intake = {
    share: async <T>(work: () => Promise<T>) => await work(),
    bring: make,
    finish: async () => {},
  };
  await importLayer(context, { hex: HEX, size: undefined, diffId: undefined }, { file, intake });
  const commit = resolveRef(staging, blobRef(HEX));
  if (commit === undefined) throw new Error('the layer has no ref');
  return commit;
}

/** All but commits, each with what the file system says of it. */
function objectsOf(path: string): readonly string[] {
  const names = readdirSync(join(path, 'objects'), { recursive: true }).map(String);
  return names
    .filter((name) => /\.(file|dirtree|dirmeta)$/.test(name))
    .sort()
    .map((name) => {
      const file = join(path, 'objects', name);
      const { mode, uid, gid, mtimeMs, size } = lstatSync(file);
      const isLink = (mode & 0o170000) === 0o120000;
      const time = name.endsWith('.file') && !isLink ? mtimeMs : '';
      return [name, mode.toString(8), uid, gid, size, time, isLink ? readlinkSync(file) : ''].join(' ');
    });
}

const CASES: Readonly<Record<string, readonly Entry[]>> = {
  nothing: [],
  'files and directories, implied and described': [
    { name: './', type: '5', mode: 0o711 },
    { name: 'b/c/d', content: 'in directories without entries' },
    { name: 'b/', type: '5', mode: 0o1777, owner: 7 },
    { name: 'a', content: 'before them' },
    { name: 'b', type: '5', mode: 0o750 },
    { name: '.', type: '5', mode: 0o700 },
  ],
  'names in the order of their bytes': ['\u{10000}', '\uffee', 'é', 'z', 'Z', 'a.b', 'a', 'a-b'].flatMap(
    (name) => [
      { name, content: name },
      { name: `d/${name}/`, type: '5', mode: 0o755 },
    ],
  ),
  'modes and owners': [0o4755, 0o2711, 0o1644, 0o0, 0o777].map((mode) => ({
    name: `m${mode}`,
    content: 'x',
    mode,
    owner: mode % 9,
  })),
  'links of both kinds': [
    { name: 'target', content: 'first' },
    { name: 'hard', type: '1', link: './target' },
    { name: 'soft', type: '2', link: '/a/ü/../b', owner: 3 },
    { name: 'hard to soft', type: '1', link: 'soft' },
    { name: 'again', type: '2', link: '/a/ü/../b', owner: 3, mode: 0o644 },
    { name: 'target', content: 'second' },
    { name: 'hard', content: 'nobody sees this' },
  ],
  'a hard link that comes before its file': [
    { name: 'hard', type: '1', link: 'late' },
    { name: 'late', content: 'x' },
  ],
  'a hard link that leads nowhere': [{ name: 'hard', type: '1', link: 'nothing' }],
  'a hard link to a directory': [
    { name: 'd/', type: '5', mode: 0o755 },
    { name: 'hard', type: '1', link: 'd' },
  ],
  'what has attributes, beside what has none': [
    { name: 'plain', content: 'x' },
    { name: 'special', content: 'x', pax: { 'SCHILY.xattr.user.some': 'value' } },
    { name: 'd/', type: '5', mode: 0o700, pax: { 'SCHILY.xattr.user.of': 'a directory' } },
    { name: 'd/in it', content: 'y' },
    { name: 'd/e/special', content: 'y', pax: { 'SCHILY.xattr.user.some': 'value' } },
    {
      name: 'many',
      type: '5',
      owner: 3,
      pax: {
        'SCHILY.xattr.user.b': '',
        'SCHILY.xattr.user.a': 'v'.repeat(300),
        'SCHILY.xattr.trusted.c': 'ü',
      },
    },
    { name: 'unusual', type: '5', pax: { 'LIBARCHIVE.xattr.user.x': 'dmFsdWU', comment: 'of no use' } },
    { name: 'hard', type: '1', link: 'special' },
    { name: 'twice', content: 'x', pax: { 'SCHILY.xattr.user.some': 'value' } },
    { name: 'twice', content: 'without' },
    { name: 'and back', content: 'without' },
    { name: 'and back', content: 'x', pax: { 'SCHILY.xattr.user.some': 'value' } },
  ],
  'a directory that is not ordinary, above what is and what is not': [
    { name: 'usr/', type: '5', mode: 0o711, pax: { comment: 'of no use' } },
    { name: 'usr/bin/', type: '5', mode: 0o750, owner: 4 },
    { name: 'usr/bin/ping', content: 'x', pax: { 'SCHILY.xattr.user.some': 'value' } },
  ],
  'a name with a byte order mark': [
    { name: '\ufeffbom', content: 'x' },
    { name: 'bom', content: 'y' },
  ],
  'names and times in records': [
    { name: 'x', pax: { path: `long/${'n'.repeat(150)}`, mtime: '1.5' }, content: 'x' },
    { name: 'z', pax: { size: '3' }, content: 'abc' },
    { name: 'owned', pax: { uid: '9', gid: '10' }, content: 'abc' },
  ],
  'defaults for all': [
    { name: 'before', content: 'x' },
    { name: 'g', type: 'g', content: '13 uid=12345\n' },
    { name: 'after', content: 'x' },
  ],
  'whiteouts, empty and large files': [
    { name: 'd/.wh..wh..opq' },
    { name: '.wh.gone' },
    { name: 'empty' },
    { name: 'block', content: 'b'.repeat(512) },
    { name: 'large', content: 'l'.repeat(3_000_001) },
    { name: 'as large', content: 'l'.repeat(3_000_001) },
    { name: 'end', content: 'e' },
  ],
  'a directory with content': [{ name: 'd/', content: 'x' }],
  'other types': ['7', 'D', 'M', '\0'].map((type, index) => ({ name: `t${index}`, type, content: 'x' })),
};

it.runIf(isRoot).each(['a\0b/evil', '.wh...\0b', '..\0b'])('refuses the name %j', async (path) => {
  const folder = await mkdtemp(join(directory, 'layer-'));
  const ours = await repository(folder, 'ours');
  const archive = tarOf([{ name: 'x', content: 'x', pax: { path } }]);

  await expect(imported(ours, archive, join(folder, 'blob'))).rejects.toThrow(/which holds the byte 0/);
});

it.runIf(isRoot)('refuses a layer whose zstd is cut', async () => {
  const folder = await mkdtemp(join(directory, 'layer-'));
  const ours = await repository(folder, 'ours');
  await writeFile(join(folder, 'plain'), tarOf([{ name: 'x', content: 'x'.repeat(5000) }]));
  const { stdout } = await execa('zstd', ['-c', join(folder, 'plain')], { encoding: 'buffer' });

  await expect(imported(ours, Buffer.from(stdout).subarray(0, -5), join(folder, 'blob'))).rejects.toThrow(
    /zstd/,
  );
});

/** Several programs run for each input. */
const PROGRAMS = 50;

/** Names that meet one another; hard links have others, since ostree(1) makes them in no certain order. */
const name = fc.constantFrom('a', './a', 'a/', 'd/b', 'd/', 'd/e/c', '.wh.a', 'ü', 'z');
const entry: fc.Arbitrary<Entry> = fc.oneof(
  fc.record(
    {
      name,
      type: fc.constantFrom('0', '0', '\0', '2', '3', '5', '7'),
      link: fc.constantFrom('a', '/d/b', '../ü', 'x'.repeat(100)),
      content: fc.oneof(
        fc.constantFrom('', 'x'.repeat(512), 'y'.repeat(1_500_000)),
        fc.string({ maxLength: 1100 }),
      ),
      mode: fc.nat(0o7777),
      owner: fc.constantFrom(0, 7),
      pax: fc.dictionary(
        fc.constantFrom('mtime', 'uid', 'uname', 'SCHILY.xattr.user.x', 'comment'),
        fc.constantFrom('1', '12'),
        { maxKeys: 2 },
      ),
    },
    { requiredKeys: ['name'] },
  ),
  fc.record({
    name: fc.constantFrom('h', 'd/h'),
    type: fc.constant('1'),
    link: fc.constantFrom('a', 'd/b', './z'),
  }),
);

describe.runIf(isRoot)('a layer', () => {
  for (const [what, entries] of Object.entries(CASES))
    it(`becomes the same as by ostree(1) alone: ${what}`, async () => {
      const { theirs, ours } = await bothWays(entries);

      expect(ours.root).toEqual(theirs.root);
      expect(theirs.objects).toEqual(expect.arrayContaining([...ours.objects]));
    });

  it('becomes the same as by ostree(1) alone, whatever is in it', { timeout: LIMIT }, async () => {
    const property = async (entries: readonly Entry[]) => {
      const { theirs, ours } = await bothWays(entries);
      expect(ours.root).toEqual(theirs.root);
      expect(theirs.objects).toEqual(expect.arrayContaining([...ours.objects]));
    };
    await holds(fc.array(entry, { maxLength: 7 }), property, PROGRAMS);
  });

  it('keeps the targets of links that ostree(1) loses: long ones, in records', async () => {
    const target = 'l'.repeat(150);

    const { ours } = await bothWays([{ name: 'link', type: '2', pax: { linkpath: target } }]);

    expect(ours.objects.filter((object) => object.endsWith(` ${target}`))).toHaveLength(1);
  });
});
