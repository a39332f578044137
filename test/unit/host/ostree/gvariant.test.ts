import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { beforeAll, describe, expect, it } from 'vitest';
import { type GValue, parseGVariant } from '../../../../src/host/ostree/gvariant.ts';
import { useDirectory } from '../../support/directory.ts';
import { dictionary, encodedArray, encodedEntries } from '../../support/gvariant.ts';
import { mutated, noise, randomFrom } from '../../support/noise.ts';

const COMMIT = '(a{sv}aya(say)sstayay)';
const DIRTREE = '(a(say)a(sayay))';

const bytes = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex');

const folder = useDirectory();
let repository = '';

beforeAll(async () => {
  repository = join(folder, 'repo');
  await execa('mkdir', ['-p', join(folder, 'tree/sub')]);
  await writeFile(join(folder, 'tree/file'), 'content');
  await ostree('init', '--mode=bare');
});

async function ostree(...args: readonly string[]): Promise<string> {
  return (await execa('ostree', [`--repo=${repository}`, ...args])).stdout;
}

/** A commit object that ostree writes, with metadata of all kinds, and `long` of that many characters. */
async function commitObject(long: number): Promise<Buffer> {
  const variants = ['n=uint64 7', "l=['a','']", "d={'x':<'y'>,'z':<uint32 1>}", 'b=true', 'e=@as []'];
  const metadata = variants.map((variant) => `--add-metadata=${variant}`);
  const options = [
    '--orphan',
    '--no-bindings',
    '--timestamp=2020-02-03T04:05:06Z',
    '--subject=s',
    '--body=b',
  ];
  const text = `--add-metadata-string=long=${'x'.repeat(long)}`;
  const checksum = await ostree('commit', ...options, ...metadata, text, `--tree=dir=${folder}/tree`);
  return await readFile(objectPath(checksum, 'commit'));
}

const objectPath = (checksum: string, kind: string) =>
  join(repository, 'objects', checksum.slice(0, 2), `${checksum.slice(2)}.${kind}`);

/** Buffers and plain byte arrays are alike. */
const plain = (value: unknown) => structuredClone(value);

describe('parseGVariant', () => {
  it.each([
    { name: 'a byte', type: 'y', hex: '2a', want: 42 },
    { name: 'a word', type: 'u', hex: '78563412', want: 0x12345678 },
    { name: 'a long word', type: 't', hex: 'ffffffffffffffff', want: 2n ** 64n - 1n },
    { name: 'a text', type: 's', hex: '68656c6c6f 20776f726c64 00', want: 'hello world' },
    { name: 'an empty text', type: 's', hex: '00', want: '' },
    {
      name: 'a text beyond ASCII',
      type: 's',
      hex: 'c3a9 e282ac f09f9880 00',
      want: '\u00e9\u20ac\u{1f600}',
    },
    { name: 'a text with a byte order mark', type: 's', hex: 'efbbbf 61 00', want: '\ufeffa' },
    {
      name: 'texts',
      type: 'as',
      hex: '6900 63616e00 68617300 737472696e67733f00 02060a13',
      want: ['i', 'can', 'has', 'strings?'],
    },
    { name: 'no texts', type: 'as', hex: '', want: [] },
    { name: 'texts in arrays', type: 'aas', hex: '6100 02 0303', want: [['a'], []] },
    { name: 'a pair', type: '(su)', hex: '666f6f00 ffffffff 04', want: ['foo', 0xffffffff] },
    { name: 'a pair that needs padding', type: '(su)', hex: '6100 0000 01000000 02', want: ['a', 1] },
    { name: 'a pair whose last is of any size', type: '(us)', hex: '01000000 6100', want: [1, 'a'] },
    {
      name: 'a tuple in a tuple',
      type: '((ys)as)',
      hex: '69 63616e00 68617300 737472696e67733f00 04 0d 05',
      want: [
        [0x69, 'can'],
        ['has', 'strings?'],
      ],
    },
    {
      name: 'entries',
      type: 'a{su}',
      hex: '68690000 feffffff 03 000000 62796500 ffffffff 04 0915',
      want: [
        ['hi', 0xfffffffe],
        ['bye', 0xffffffff],
      ],
    },
    {
      name: 'an array that needs padding',
      type: '(sa{su})',
      hex: '6100 0000 68690000 01000000 03 09 02',
      want: ['a', [['hi', 1]]],
    },
    { name: 'a variant', type: 'v', hex: '6100 00 73', want: 'a' },
    { name: 'a variant with texts', type: 'v', hex: '6100 6200 0204 00 6173', want: ['a', 'b'] },
  ])('reads $name', ({ type, hex, want }) => {
    expect(parseGVariant(bytes(hex), type)).toEqual(want);
  });

  it.each([
    { name: 'bytes', type: 'ay', hex: '01 02 00', want: bytes('010200') },
    { name: 'a truth value in a variant, as bytes', type: 'v', hex: '01 00 62', want: bytes('01') },
    {
      name: 'numbers in a variant, as bytes',
      type: 'v',
      hex: '01000000 02000000 00 6175',
      want: bytes('0100000002000000'),
    },
    { name: 'a variant in a variant, as bytes', type: 'v', hex: '6100 00 73 00 76', want: bytes('61000073') },
  ])('leaves $name', ({ type, hex, want }) => {
    expect(plain(parseGVariant(bytes(hex), type))).toEqual(plain(want));
  });

  it.each([
    { name: 'a word of three bytes', type: 'u', hex: '010203' },
    { name: 'a byte of none', type: 'y', hex: '' },
    { name: 'a long word of nine', type: 't', hex: '010203040506070809' },
    { name: 'a text without end', type: 's', hex: '6161' },
    { name: 'a text of no bytes', type: 's', hex: '' },
    { name: 'a text that is not UTF-8', type: 's', hex: 'ff00' },
    { name: 'half a letter', type: 's', hex: 'c300' },
    { name: 'a variant without type', type: 'v', hex: '6161' },
    { name: 'a variant of no bytes', type: 'v', hex: '' },
    { name: 'a variant of the wrong size', type: 'v', hex: '01 00 75' },
    { name: 'an offset behind the end', type: 'as', hex: '6100 ff' },
    { name: 'an offset table that begins before the array', type: 'as', hex: '6100 6200 04ff' },
    { name: 'offsets that go back', type: 'aay', hex: '6161616161 040205' },
    { name: 'offsets of a tuple that go back', type: '(ayayay)', hex: '6161616161 0305' },
    { name: 'a number that reaches into the offsets', type: '(su)', hex: '6100 0000 010000 02' },
    { name: 'offsets into the table', type: 'as', hex: '6100 0302' },
    { name: 'a table that does not fill its place', type: 'as', hex: `6100 ${'00'.repeat(254)} 0102 00` },
    { name: 'a tuple too short for its offsets', type: '(sss)', hex: '00' },
    { name: 'a tuple whose second member begins behind its end', type: '(ss)', hex: '6100 09' },
    { name: 'a tuple whose number does not fit', type: '(su)', hex: '6100 0100 02' },
  ])('refuses $name', ({ type, hex }) => {
    expect(() => parseGVariant(bytes(hex), type)).toThrow(RangeError);
  });

  it.each(['', 'x', 'i', 'a', '(', '()', '(s', '(s}', '(yu)', 'ss', 's)', '{s', 'a{', 'au2'])(
    'knows no type %j',
    (type) => {
      expect(() => parseGVariant(bytes('00'), type)).toThrow(RangeError);
    },
  );

  it('reads arrays of fixed size only when they are empty', () => {
    expect(parseGVariant(bytes(''), 'au')).toEqual([]);
    expect(() => parseGVariant(bytes('01000000'), 'au')).toThrow(new RangeError('unknown array type'));
  });

  it.each([
    { name: 'one byte', long: 0, range: [0, 0x100] },
    { name: 'two bytes', long: 1000, range: [0x100, 0x10000] },
    { name: 'four bytes', long: 70_000, range: [0x10000, 0x1000000] },
  ])('reads what ostree writes, with offsets of $name', async ({ long, range: [from = 0, to = 0] }) => {
    const object = await commitObject(long);
    expect(object.length).toBeGreaterThanOrEqual(from);
    expect(object.length).toBeLessThan(to);

    const [metadata, parent, related, subject, body, time, tree, meta] = parseGVariant(
      object,
      COMMIT,
    ) as readonly GValue[];

    const byName = (a: unknown, b: unknown) => (String(a) < String(b) ? -1 : 1);
    expect(plain([...(metadata as readonly GValue[])].sort(byName))).toEqual(
      plain([
        ['b', bytes('01')],
        [
          'd',
          [
            ['x', 'y'],
            ['z', 1],
          ],
        ],
        ['e', []],
        ['l', ['a', '']],
        ['long', 'x'.repeat(long)],
        ['n', 7n],
      ]),
    );
    expect(plain([parent, related, subject, body])).toEqual(plain([bytes(''), [], 's', 'b']));
    const seconds = Buffer.alloc(8);
    seconds.writeBigUInt64LE(time as bigint);
    expect(seconds.readBigUInt64BE()).toBe(BigInt(Date.UTC(2020, 1, 3, 4, 5, 6) / 1000));
    expect([tree, meta].map((checksum) => (checksum as Uint8Array).length)).toEqual([32, 32]);
  });

  it('reads the folders that ostree writes', async () => {
    const checksum = await ostree('commit', '--orphan', `--tree=dir=${folder}/tree`);
    const listing = await ostree('ls', '--checksum', checksum, '/');
    const [, root = ''] = /^d.* ([0-9a-f]{64}) [0-9a-f]{64} \/$/m.exec(listing) ?? [];
    const [, file] = /^-.* ([0-9a-f]{64}) \/file$/m.exec(listing) ?? [];
    const [, ...sub] = /^d.* ([0-9a-f]{64}) ([0-9a-f]{64}) \/sub$/m.exec(listing) ?? [];

    const parsed = parseGVariant(await readFile(objectPath(root, 'dirtree')), DIRTREE);

    const hex = (value: GValue): unknown => {
      if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
      return Array.isArray(value) ? value.map(hex) : value;
    };
    expect(hex(parsed)).toEqual([[['file', file]], [['sub', ...sub]]]);
  });

  it('reads what an encoder of the specification writes', () => {
    const random = randomFrom(6);

    for (let round = 0; round < 500; round++) {
      const value = dictionary(random, 3);
      expect(parseGVariant(value.bytes, 'a{sv}')).toEqual(value.value);
    }
  });

  it.each([0x100, 0x10000])('reads arrays of around %i bytes, where offsets become wider', (size) => {
    for (let length = size - 16; length < size + 16; length++) {
      const texts = ['x'.repeat(length), 'y'];
      const encoded = encodedArray(
        texts.map((text) => Buffer.from(`${text}\0`)),
        1,
      );
      expect(parseGVariant(encoded, 'as')).toEqual(texts);
    }
  });

  it('reads as deep as objects ever are, and no deeper', () => {
    const nested = (levels: number) =>
      Array.from({ length: levels }).reduce<Buffer>(
        (inner) => encodedEntries([['k', Buffer.concat([inner, Buffer.from('\0a{sv}')])]]),
        Buffer.alloc(0),
      );

    expect(parseGVariant(nested(5), 'a{sv}')).toEqual([['k', [['k', [['k', [['k', [['k', []]]]]]]]]]]);
    expect(() => parseGVariant(nested(50), 'a{sv}')).toThrow(new RangeError('nested too deeply'));
  });

  it.each([COMMIT, DIRTREE, 'a{sv}', 'v', 'as', '((ys)as)'])(
    'has no answer to noise but RangeError: %s',
    (type) => {
      const random = randomFrom(7);

      for (let round = 0; round < 2000; round++) verdictOn(noise(random, 400), type);
    },
  );

  it.each([
    { name: 'a commit', long: 0, rounds: 3000 },
    { name: 'a large commit', long: 1000, rounds: 3000 },
    { name: 'a huge commit', long: 70_000, rounds: 300 },
  ])('has no answer to mutations of $name but RangeError', async ({ long, rounds }) => {
    const random = randomFrom(8);
    const object = await commitObject(long);
    const verdicts = new Set<string>();

    for (let round = 0; round < rounds; round++) {
      const changed = mutated(object, random);
      verdicts.add(verdictOn(changed, COMMIT));
      // the offsets, at the end, matter most
      const tail = Math.max(0, object.length - 64);
      verdicts.add(
        verdictOn(Buffer.concat([object.subarray(0, tail), mutated(object.subarray(tail), random)]), COMMIT),
      );
    }

    expect(verdicts).toEqual(new Set(['read', 'refused']));
  });
});

function verdictOn(object: Uint8Array, type: string): 'read' | 'refused' {
  try {
    parseGVariant(object, type);
    return 'read';
  } catch (error) {
    expect(error, Buffer.from(object).toString('hex')).toBeInstanceOf(RangeError);
    return 'refused';
  }
}
