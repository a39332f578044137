/** Reads serialised GVariants, the format of OSTree's metadata objects. */

/** A value: `s` text, `t` bigint, `y` number, `ay` bytes, `v` its content, arrays, tuples and entries as arrays. */
export type GValue = string | number | bigint | Uint8Array | readonly GValue[];

interface Type {
  readonly signature: string;
  readonly alignment: number;
  /** Bytes, for the types whose values all take the same. */
  readonly size: number | undefined;
  readonly children: readonly Type[];
}

/** A container within a container within … is deeper than OSTree's objects ever are. */
const DEEPEST = 16;

/**
 * Parses a whole serialised value, in normal form and of the types that OSTree uses. For the type strings see
 * https://docs.gtk.org/glib/gvariant-text-format.html, for the layout the "GVariant Specification" 1.0.
 *
 * @param signature the type, such as `(a{sv}aya(say)sstayay)`
 * @throws RangeError when the bytes are not of that type
 */
export function parseGVariant(bytes: Uint8Array, signature: string): GValue {
  return readValue(bytes, typeOf(signature), 0);
}

/** The types that were asked for: a listing parses thousands of values of the same few. */
const types = new Map<string, Type>();

function typeOf(signature: string): Type {
  const known = types.get(signature);
  if (known !== undefined) return known;
  const { type, rest } = parseType(signature);
  if (rest !== '') throw new RangeError(`not one type: ${signature}`);
  types.set(signature, type);
  return type;
}

function parseType(text: string): { type: Type; rest: string } {
  const first = text[0] ?? '';
  const basic: Record<string, [alignment: number, size: number | undefined]> = {
    y: [1, 1],
    u: [4, 4],
    t: [8, 8],
    s: [1, undefined],
    v: [8, undefined],
  };
  const known = basic[first];
  if (known) {
    return {
      type: { signature: first, alignment: known[0], size: known[1], children: [] },
      rest: text.slice(1),
    };
  }
  if (first === 'a') {
    const { type: element, rest } = parseType(text.slice(1));
    return {
      type: { signature: 'a', alignment: element.alignment, size: undefined, children: [element] },
      rest,
    };
  }
  if (first === '(' || first === '{') return parseTuple(text.slice(1), first === '(' ? ')' : '}');
  throw new RangeError(`unknown type '${first}'`);
}

/** A dictionary entry is laid out like a tuple of two. None of those in OSTree's objects has a fixed size. */
function parseTuple(text: string, end: string): { type: Type; rest: string } {
  const children: Type[] = [];
  let rest = text;
  while (rest !== '' && rest[0] !== end) {
    const parsed = parseType(rest);
    children.push(parsed.type);
    rest = parsed.rest;
  }
  if (rest === '' || children.every(({ size }) => size !== undefined))
    throw new RangeError('unknown tuple type');
  const alignment = Math.max(...children.map((child) => child.alignment));
  return { type: { signature: '(', alignment, size: undefined, children }, rest: rest.slice(1) };
}

function readValue(bytes: Uint8Array, type: Type, depth: number): GValue {
  if (depth > DEEPEST) throw new RangeError('nested too deeply');
  if (type.size !== undefined && bytes.length !== type.size) throw new RangeError('wrong size');
  switch (type.signature) {
    case 'y':
      return viewOf(bytes).getUint8(0);
    case 'u':
      return viewOf(bytes).getUint32(0, true);
    case 't':
      return viewOf(bytes).getBigUint64(0, true);
    case 's':
      return readText(bytes);
    case 'v':
      return readVariant(bytes, depth);
    case 'a':
      return readArray(bytes, type.children[0] as Type, depth);
    default:
      return readTuple(bytes, type.children, depth);
  }
}

const UTF_8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function readText(bytes: Uint8Array): string {
  if (bytes.at(-1) !== 0) throw new RangeError('text without end');
  try {
    return UTF_8.decode(bytes.subarray(0, -1));
  } catch (error) {
    throw new RangeError('text that is not UTF-8', { cause: error });
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** The value, a zero byte, and the text of its type. A value of a type that we do not know stays bytes. */
function readVariant(bytes: Uint8Array, depth: number): GValue {
  const separator = bytes.lastIndexOf(0);
  if (separator < 0) throw new RangeError('variant without type');
  // none that we know is longer
  const signature = String.fromCharCode(...bytes.subarray(separator + 1, separator + 7));
  const content = bytes.subarray(0, separator);
  return /^[yuts]$|^as$|^a\{sv\}$/.test(signature)
    ? readValue(content, typeOf(signature), depth + 1)
    : content;
}

function readArray(bytes: Uint8Array, element: Type, depth: number): GValue {
  if (element.signature === 'y') return bytes;
  if (bytes.length === 0) return [];
  if (element.size !== undefined) throw new RangeError('unknown array type');
  const width = offsetWidth(bytes.length);
  const table = readOffset(bytes, bytes.length - width, width);
  const count = (bytes.length - table) / width;
  if (!Number.isInteger(count) || count < 1) throw new RangeError('bad array');
  const values: GValue[] = [];
  let start = 0;
  for (let index = 0; index < count; index++) {
    const end = readOffset(bytes, table + index * width, width);
    values.push(readValue(slice(bytes, align(start, element.alignment), end, table), element, depth + 1));
    start = end;
  }
  return values;
}

/** The ends of all members of variable size but the last stand after the members, in reverse order. */
function readTuple(bytes: Uint8Array, children: readonly Type[], depth: number): GValue {
  const width = offsetWidth(bytes.length);
  const offsets = children.slice(0, -1).filter(({ size }) => size === undefined).length;
  const table = bytes.length - offsets * width;
  const values: GValue[] = [];
  let start = 0;
  let used = 0;
  children.forEach((child, index) => {
    const from = align(start, child.alignment);
    const isLast = index === children.length - 1;
    if (child.size !== undefined) start = from + child.size;
    else start = isLast ? table : readOffset(bytes, bytes.length - ++used * width, width);
    values.push(readValue(slice(bytes, from, start, table), child, depth + 1));
  });
  return values;
}

function slice(bytes: Uint8Array, from: number, to: number, limit: number): Uint8Array {
  if (from > to || to > limit) throw new RangeError('offset out of bounds');
  return bytes.subarray(from, to);
}

function align(offset: number, alignment: number): number {
  return Math.ceil(offset / alignment) * alignment;
}

/** Offsets are as wide as the size of their container needs. */
function offsetWidth(size: number): 1 | 2 | 4 {
  if (size <= 0xff) return 1;
  return size <= 0xffff ? 2 : 4;
}

function readOffset(bytes: Uint8Array, at: number, width: 1 | 2 | 4): number {
  if (at < 0 || at + width > bytes.length) throw new RangeError('offset out of bounds');
  const view = viewOf(bytes);
  if (width === 1) return view.getUint8(at);
  return width === 2 ? view.getUint16(at, true) : view.getUint32(at, true);
}
