/** Layers and OSTree objects that others wrote: only errors of ours, and never an entry that leads out. */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseGVariant } from '../../../src/host/ostree/gvariant.ts';
import { parseCommit } from '../../../src/host/ostree/repository.ts';
import {
  BLOCK,
  isHeader,
  isPreface,
  type Prefaced,
  readHeader,
  readPreface,
  typeOf,
} from '../../../src/host/tar/entry.ts';
import { TarFilter } from '../../../src/host/tar/filter.ts';
import { type Entry, tarOf } from '../../support/tar-writer.ts';
import { dictionary } from '../support/gvariant.ts';
import { randomFrom } from '../support/noise.ts';
import { corrupted, holds, LIMIT, orOwnError } from '../support/properties.ts';

const name = fc.oneof(
  fc.constantFrom(
    'a',
    'a/b',
    'a/',
    './',
    '..',
    '../x',
    '/etc/x',
    'a/../../x',
    'dev/null',
    '.wh.a',
    'x'.repeat(99),
  ),
  fc.string({ minLength: 1, maxLength: 90 }),
);
const entry = fc.record(
  {
    name,
    type: fc.constantFrom(
      '0',
      '\0',
      '1',
      '2',
      '3',
      '4',
      '5',
      '6',
      '7',
      'L',
      'K',
      'x',
      'g',
      'S',
      'A',
      'V',
      'D',
    ),
    link: name,
    content: fc.string({ maxLength: 700 }),
    mode: fc.nat(0o7777),
    pax: fc.dictionary(
      fc.constantFrom('path', 'linkpath', 'size', 'GNU.sparse.name', 'mtime'),
      fc.oneof(name, fc.constantFrom('0', '1e9', '0x40000000', '-1', '99999999999999999999', '../../etc/x')),
      { maxKeys: 3 },
    ),
  },
  { requiredKeys: ['name'] },
);
const archive = fc.array(entry, { maxLength: 6 }).map((entries) => tarOf(entries as readonly Entry[]));

describe('a layer', () => {
  it('is filtered, or refused, however it is damaged and cut into pieces', { timeout: LIMIT }, async () => {
    const inputs = fc.tuple(
      corrupted(archive),
      fc.array(fc.integer({ min: 1, max: 1500 }), { maxLength: 5 }),
    );
    await holds(inputs, async ([bytes, cuts]) => {
      const whole = await filtered([bytes]);
      const inPieces = await filtered(piecesOf(bytes, cuts));

      expect(inPieces).toEqual(whole);
      if (whole !== undefined) expect(problemsIn(whole)).toEqual([]);
    });
  });
});

async function filtered(pieces: readonly Buffer[]): Promise<Buffer | undefined> {
  const kept: Buffer[] = [];
  const collect = async (source: AsyncIterable<Buffer>) => {
    for await (const piece of source) kept.push(piece);
  };
  return await orOwnError(async () => {
    await pipeline(Readable.from(pieces), new TarFilter('layer'), collect);
    return Buffer.concat(kept);
  });
}

function piecesOf(bytes: Buffer, cuts: readonly number[]): readonly Buffer[] {
  const pieces = [];
  let at = 0;
  for (const length of cuts) {
    pieces.push(bytes.subarray(at, at + length));
    at += length;
  }
  return [...pieces, bytes.subarray(at)].filter(({ length }) => length > 0);
}

/** Entries that should not have come through: special files, and names that lead out. */
function problemsIn(tar: Buffer): readonly string[] {
  const problems = [];
  let prefaced: Prefaced = {};
  for (let at = 0; at + BLOCK <= tar.length; ) {
    const header = tar.subarray(at, at + BLOCK);
    if (!isHeader(header)) break;
    const type = typeOf(header);
    const { name: path, size } = readHeader(header, isPreface(type) ? {} : prefaced);
    const content = tar.subarray(at + BLOCK, at + BLOCK + size);
    if (isPreface(type)) prefaced = { ...prefaced, ...readPreface(type, content) };
    else {
      if (/[346]/.test(type)) problems.push(`special file ${path}`);
      if (!/[gV]/.test(type) && path.toString().split('/').includes('..'))
        problems.push(`leads out: ${path}`);
      prefaced = {};
    }
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
  return problems;
}

describe('an OSTree object', () => {
  const metadata = fc.nat(2 ** 31 - 1).map((seed) => dictionary(randomFrom(seed), 2).bytes);

  it.each(['a{sv}', '(a{sv}aya(say)sstayay)', '(a(say)a(sayay))', '(uuua(ayay))', 'v', 'as'])(
    'of the type %s is read, or refused with a RangeError',
    { timeout: LIMIT },
    async (signature) => {
      await holds(corrupted(metadata), (bytes) => {
        try {
          parseGVariant(bytes, signature);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      });
    },
  );

  it('that should be a commit is read, or refused', { timeout: LIMIT }, async () => {
    await holds(corrupted(metadata), async (bytes) => {
      const commit = await orOwnError(() => parseCommit(bytes, '/repo/x.commit'));
      if (commit !== undefined) expect(commit.tree).toMatch(/^[0-9a-f]{64}$/);
    });
  });
});
