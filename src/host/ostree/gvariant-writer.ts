/** Serialises GVariants of what has no alignment of its own: texts, bytes, and arrays and tuples of these. */

/** A text, `s`. */
export function text(value: string): Buffer {
  return Buffer.from(`${value}\0`);
}

/** The bytes of a checksum, `ay`. */
export function checksumBytes(checksum: string): Buffer {
  return Buffer.from(checksum, 'hex');
}

/** A tuple, all of whose members may be of any length: where each but the last ends stands behind, in reverse. */
export function tuple(members: readonly Buffer[]): Buffer {
  return withOffsets(members, endsOf(members).slice(0, -1).reverse());
}

/** An array of elements that may be of any length: where each ends stands behind. */
export function array(elements: readonly Buffer[]): Buffer {
  return withOffsets(elements, endsOf(elements));
}

function endsOf(parts: readonly Buffer[]): readonly number[] {
  let end = 0;
  return parts.map(({ length }) => {
    end += length;
    return end;
  });
}

/** Offsets are as wide as the whole needs, themselves included. */
function withOffsets(parts: readonly Buffer[], offsets: readonly number[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const width = [1, 2].find((bytes) => length + offsets.length * bytes < 256 ** bytes) ?? 4;
  const table = Buffer.alloc(offsets.length * width);
  for (const [index, offset] of offsets.entries()) table.writeUIntLE(offset, index * width, width);
  return Buffer.concat([...parts, table]);
}
