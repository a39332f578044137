/** Serialised GVariants, written after the specification alone: what the parser is measured by. */
import type { GValue } from '../../../src/host/ostree/gvariant.ts';
import type { Random } from './noise.ts';

/** A value, and how it is serialised. */
export interface Encoded {
  readonly value: GValue;
  readonly bytes: Buffer;
}

/** A dictionary of up to four random entries, nested at most `depth` times. */
export function dictionary(random: Random, depth: number): Encoded {
  const entries = Array.from({ length: random(5) }, (_, index) => ({
    key: `key ${index}`,
    content: content(random, depth),
  }));
  return {
    value: entries.map(({ key, content: { value } }) => [key, value]),
    bytes: encodedEntries(
      entries.map(({ key, content: { bytes: inner, type } }) => [
        key,
        Buffer.concat([inner, Buffer.from(`\0${type}`)]),
      ]),
    ),
  };
}

function content(random: Random, depth: number): Encoded & { type: string } {
  const text = () => 'x\u00e9'.repeat(random(2) === 0 ? random(10) : random(300));
  switch (random(depth > 0 ? 5 : 4)) {
    case 0: {
      const value = text();
      return { type: 's', value, bytes: Buffer.from(`${value}\0`) };
    }
    case 1: {
      const value = random(2 ** 32);
      const encoded = Buffer.alloc(4);
      encoded.writeUInt32LE(value);
      return { type: 'u', value, bytes: encoded };
    }
    case 2: {
      const value = BigInt(random(2 ** 32)) << 31n;
      const encoded = Buffer.alloc(8);
      encoded.writeBigUInt64LE(value);
      return { type: 't', value, bytes: encoded };
    }
    case 3: {
      const value = Array.from({ length: random(6) }, text);
      return {
        type: 'as',
        value,
        bytes: encodedArray(
          value.map((item) => Buffer.from(`${item}\0`)),
          1,
        ),
      };
    }
    default:
      return { type: 'a{sv}', ...dictionary(random, depth - 1) };
  }
}

/** An `a{sv}`, the values as they are in variants. */
export function encodedEntries(entries: readonly (readonly [key: string, variant: Buffer])[]): Buffer {
  const encoded = entries.map(([key, variant]) => {
    const name = Buffer.from(`${key}\0`);
    return withOffsets(Buffer.concat([padded(name, 8), variant]), [name.length]);
  });
  return encodedArray(encoded, 8);
}

/** An array of items that are serialised already. */
export function encodedArray(items: readonly Buffer[], alignment: number): Buffer {
  let body = Buffer.alloc(0);
  const ends = items.map((item) => {
    body = Buffer.concat([padded(body, alignment), item]);
    return body.length;
  });
  return withOffsets(body, ends);
}

/** The body, with zero bytes up to the next multiple of the alignment. */
export function padded(body: Buffer, alignment: number): Buffer {
  return Buffer.concat([body, Buffer.alloc((alignment - (body.length % alignment)) % alignment)]);
}

/** A body with the ends of its members; offsets are as wide as the whole needs, themselves included. */
export function withOffsets(body: Buffer, offsets: readonly number[]): Buffer {
  const width = [1, 2, 4].find((size) => body.length + offsets.length * size < 256 ** size) ?? 8;
  const encoded = offsets.map((offset) => {
    const bytesOfOffset = Buffer.alloc(width);
    bytesOfOffset.writeUIntLE(offset, 0, width);
    return bytesOfOffset;
  });
  return Buffer.concat([body, ...encoded]);
}
