import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { TarFilter } from '../../../../src/host/tar/filter.ts';
import { type Entry, tarOf } from '../../../support/tar-writer.ts';
import { useDirectory } from '../../support/directory.ts';

const directory = useDirectory();

async function filtered(entries: readonly Entry[]): Promise<{ output: Buffer; dropped: number }> {
  const filter = new TarFilter('layer 1');
  const output = await buffer(Readable.from([tarOf(entries)]).pipe(filter));
  return { output, dropped: filter.dropped };
}

async function namesOf(entries: readonly Entry[]): Promise<readonly string[]> {
  const { stdout } = await execa('tar', ['-tf', '-'], {
    input: (await filtered(entries)).output,
    env: { LC_ALL: 'C.UTF-8' },
  });
  return stdout.split('\n');
}

const LONG = 'n'.repeat(255);

describe('a layer', () => {
  it.each<{ name: string; entries: readonly Entry[]; line: RegExp }>([
    {
      name: 'a path that leads out',
      entries: [{ name: 'a/../../b' }],
      line: /has the path "a\/..\/..\/b", which leads out/,
    },
    {
      name: 'such a path in its pax records',
      entries: [{ name: 'a', pax: { path: '../b' } }],
      line: /"\.\.\/b", which leads out/,
    },
    {
      name: 'such a path in a long name',
      entries: [{ name: '././@LongLink', type: 'L', content: '../b\0' }, { name: 'a' }],
      line: /"\.\.\/b", which leads out/,
    },
    {
      name: 'a hard link that leads out',
      entries: [{ name: 'a', type: '1', link: '../b' }],
      line: /"\.\.\/b", which leads out/,
    },
    {
      name: 'a hard link in a long link',
      entries: [
        { name: '././@LongLink', type: 'K', content: '../b\0' },
        { name: 'a', type: '1', link: 'b' },
      ],
      line: /which leads out/,
    },
    {
      name: 'a name that is not UTF-8',
      entries: [{ name: Buffer.from('a\xff', 'latin1') }],
      line: /has the name "aÿ", which is not UTF-8/,
    },
    {
      name: 'a name that is too long',
      entries: [{ name: 'a', pax: { path: `${LONG}n/b` } }],
      line: /with a name of more than 255 bytes/,
    },
    { name: 'a file without a name', entries: [{ name: '' }], line: /has a file without a name/ },
    {
      name: 'a file in the place of the root',
      entries: [{ name: './' + '.' }],
      line: /has a file without a name/,
    },
    {
      name: 'something below a link',
      entries: [{ name: 'a', type: '2', link: '/etc' }, { name: 'a/b/c' }],
      line: /has "a\/b\/c" below "a", which is not a directory/,
    },
    {
      name: 'a folder in the place of a file',
      entries: [{ name: 'a' }, { name: './a/', type: '5' }],
      line: /has "a" twice/,
    },
    {
      name: 'a file in the place of a folder',
      entries: [{ name: 'a/b' }, { name: 'a' }],
      line: /has "a" twice/,
    },
    {
      name: 'pax records that are none',
      entries: [{ name: 'p', type: 'x', content: '99 path=a\n' }, { name: 'a' }],
      line: /malformed pax records/,
    },
    {
      name: 'pax records without an end',
      entries: [{ name: 'p', type: 'x', content: 'path' }, { name: 'a' }],
      line: /malformed pax records/,
    },
    ...['0x10', '1e1', ' 1', '-1', '1 '].map((size) => ({
      name: `a size of '${size}', of which everybody makes another number`,
      entries: [{ name: 'a', content: 'x', pax: { size } }],
      line: /malformed pax records/,
    })),
  ])('is refused for $name', async ({ entries, line }) => {
    const failure = await filtered(entries).catch((error: unknown) => error);

    expect(String(failure)).toMatch(line);
    expect(String(failure)).toContain('layer 1 ');
  });

  it.each<{ name: string; entries: readonly Entry[]; want: readonly string[] }>([
    { name: 'absolute paths', entries: [{ name: '/a' }], want: ['/a'] },
    { name: 'links that lead out', entries: [{ name: 'a', type: '2', link: '../../etc' }], want: ['a'] },
    { name: 'files twice', entries: [{ name: 'a' }, { name: 'a' }], want: ['a', 'a'] },
    {
      name: 'folders twice',
      entries: [{ name: 'a/b' }, { name: 'a', type: '5' }, { name: 'a/', type: '5' }],
      want: ['a/b', 'a', 'a/'],
    },
    { name: 'names as long as they can be', entries: [{ name: 'a', pax: { path: LONG } }], want: [LONG] },
    {
      name: 'names beyond ASCII',
      entries: [{ name: 'a', pax: { path: 'Főtanú' } }],
      want: ['Főtanú'],
    },
    {
      name: 'records whose values look like others',
      entries: [{ name: 'a', content: 'x', pax: { comment: '1\n9 size=7\n' } }],
      want: ['a'],
    },
    { name: 'old folders', entries: [{ name: 'a/', type: '\0' }, { name: 'a/b' }], want: ['a/', 'a/b'] },
  ])('keeps $name', async ({ entries, want }) => {
    expect(await namesOf(entries)).toEqual(want);
  });

  it('loses devices, and what is a hard link to them', async () => {
    const device = { name: 'dev/null', type: '3' };
    const entries = [device, { name: 'dev/same', type: '1', link: './dev/null' }, { name: 'dev/file' }];

    expect((await filtered(entries)).dropped).toBe(2);
    expect(await namesOf(entries)).toEqual(['dev/file']);
  });

  it('has links with the permissions that links have', async () => {
    const links = (mode: number) => tarOf([{ name: 'a', type: '2', link: 'b', mode }, { name: 'b' }]);
    const filter = new TarFilter('layer 1');

    const output = await buffer(Readable.from([links(0o644)]).pipe(filter));

    expect(output).toEqual(links(0o777));
  });

  it('has no content behind links and folders, whatever their size', async () => {
    const folder = tarOf([{ name: 'a', type: '5', content: 'x' }]).subarray(0, 512);
    const filter = new TarFilter('layer 1');

    const output = await buffer(Readable.from([folder, tarOf([{ name: 'a/b' }])]).pipe(filter));

    expect(output).toEqual(Buffer.concat([folder, tarOf([{ name: 'a/b' }])]));
  });

  it('may have sparse files of more than 2 GB', async () => {
    const archive = await sparseArchive([{ at: 2 ** 31, text: 'end' }]);

    const output = await buffer(Readable.from([archive]).pipe(new TarFilter('layer 1')));

    expect(archive.subarray(0, output.length).equals(output)).toBe(true);
    expect(output.includes('end')).toBe(true);
  });

  it('may have sparse files, whose map goes on behind the header', async () => {
    const parts = Array.from({ length: 60 }, (_, index) => ({ at: (index + 1) * 100_000, text: 'x' }));
    const bytes = await sparseArchive(parts);

    const output = await buffer(Readable.from([bytes]).pipe(new TarFilter('layer 1')));

    expect(bytes.subarray(0, output.length).equals(output)).toBe(true);
    expect(bytes.length - output.length).toBeLessThan(10_240);
    expect(bytes.length).toBeLessThan(600_000);
  });
});

/** What tar makes of a file that has only these parts. */
async function sparseArchive(parts: readonly { at: number; text: string }[]): Promise<Buffer> {
  const file = await open(join(directory, 'sparse'), 'w');
  for (const { at, text } of parts) await file.write(text, at);
  await file.close();
  const argv = ['-c', '--sparse', '--format=gnu', '-C', directory, 'sparse'];
  return Buffer.from((await execa('tar', argv, { encoding: 'buffer' })).stdout);
}
