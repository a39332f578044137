/** Parses one entry of a tar archive: POSIX.1-2017, pax, "ustar Interchange Format", with GNU's additions (tar(5)). */
import { AtomicError } from '../../errors.ts';

export const BLOCK = 512;

export interface TarEntry {
  /** One character; `5` is a folder, `1` a hard link, see POSIX. */
  readonly type: string;
  readonly name: Buffer;
  /** Where a link leads. */
  readonly link: Buffer;
  /** Bytes of content that follow, without padding. */
  readonly size: number;
  /** Extended attributes, by name, in the form that most tools use. */
  readonly xattrs: ReadonlyMap<string, Buffer>;
  /** Whether its prefaces say more of it than name, times and extended attributes. */
  readonly hasMore: boolean;
}

/** What the entries in front of one say of it, as far as they do. */
export type Prefaced = Partial<Omit<TarEntry, 'type'>>;

/** Entries that describe the next one: pax records (Sun's by `X`), GNU's long names and links, Sun's ACLs. */
const PREFACES = new Set(['x', 'X', 'L', 'K', 'A']);
/** Links, devices, folders and fifos: nothing follows, whatever size their header has. */
const WITHOUT_CONTENT = new Set(['1', '2', '3', '4', '5', '6']);

export function isPreface(type: string): boolean {
  return PREFACES.has(type);
}

/** The type flag of a header. */
export function typeOf(header: Buffer): string {
  return String.fromCharCode(header[156] ?? 0);
}

/** Whether a block is a header. */
export function isHeader(block: Buffer): boolean {
  return checksumOf(block) === octal(block.subarray(148, 156));
}

/** The sum of all bytes, with blanks for its own eight. */
function checksumOf(header: Buffer): number {
  let sum = 8 * 32;
  for (let index = 0; index < BLOCK; index++) if (index < 148 || index >= 156) sum += header[index] ?? 0;
  return sum;
}

/** Reads the header of an entry, once what its prefaces say is known. */
export function readHeader(header: Buffer, prefaced: Prefaced): TarEntry {
  const type = typeOf(header);
  return {
    type,
    name: prefaced.name ?? nameIn(header),
    link: prefaced.link ?? text(header.subarray(157, 257)),
    size: WITHOUT_CONTENT.has(type) ? 0 : (prefaced.size ?? sizeIn(header)),
    xattrs: prefaced.xattrs ?? new Map(),
    hasMore: prefaced.hasMore ?? false,
  };
}

/** Octal digits as POSIX has them, of which no two readers think differently. */
const PLAIN_NUMBER = /^[0-7]+[ \0]+$/;

/** Owner and mode of an entry, where its header has them and nobody thinks differently of them; else `undefined`. */
export function plainOwnership(
  header: Buffer,
  { hasMore }: TarEntry,
): { readonly uid: number; readonly gid: number; readonly mode: number } | undefined {
  const fields = [header.subarray(100, 108), header.subarray(108, 116), header.subarray(116, 124)];
  const arePlain = [...fields, header.subarray(124, 136)].every((field) =>
    PLAIN_NUMBER.test(field.toString('latin1')),
  );
  const [mode = 0, uid = 0, gid = 0] = fields.map(octal);
  return arePlain && !hasMore && mode <= 0o7777 ? { uid, gid, mode } : undefined;
}

/** The header with other permissions. */
export function withMode(header: Buffer, mode: number): Buffer {
  const changed = Buffer.from(header);
  changed.write(`${octalOf(mode, 7)}\0`, 100, 'latin1');
  changed.write(`${octalOf(checksumOf(changed), 6)}\0 `, 148, 'latin1');
  return changed;
}

function octalOf(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0');
}

/** The permissions in a header. */
export function modeIn(header: Buffer): number {
  return octal(header.subarray(100, 108));
}

/** POSIX splits long names; GNU has other things in the place of the first part. */
function nameIn(header: Buffer): Buffer {
  const name = text(header.subarray(0, 100));
  const prefix = text(header.subarray(345, 500));
  const isPosix = header.toString('latin1', 257, 263) === 'ustar\0';
  return isPosix && prefix.length > 0 ? Buffer.concat([prefix, Buffer.from('/'), name]) : name;
}

/** Bytes with the padding that fills the last block. */
export function padded(size: number): number {
  return Math.ceil(size / BLOCK) * BLOCK;
}

/** Octal digits, or, with the top bit set, GNU's base 256 for sizes of 8 GiB and more. */
export function sizeIn(header: Buffer): number {
  const field = header.subarray(124, 136);
  return (field[0] ?? 0) & 0x80 ? field.readUIntBE(6, 6) : octal(field);
}

function octal(field: Buffer): number {
  return Number.parseInt(field.toString('latin1').replace(/\0.*$/s, '').trim() || '0', 8);
}

/** Up to the first NUL. */
function text(field: Buffer): Buffer {
  const end = field.indexOf(0);
  return end < 0 ? field : field.subarray(0, end);
}

/** In front of the name of an extended attribute, in the key of a pax record. */
const XATTR = 'SCHILY.xattr.';
/** The keys of what OSTree keeps of a file, or ignores. */
const NAME_OR_TIME = /^(path|linkpath|[acm]time|[ug]name|SCHILY\.xattr\..+)$/;

/**
 * What a preface says of the next entry.
 *
 * @param content without padding
 * @throws AtomicError when it is malformed
 */
export function readPreface(type: string, content: Buffer): Prefaced {
  if (type === 'L') return { name: text(content) };
  if (type === 'K') return { link: text(content) };
  if (type === 'A') return { hasMore: true };
  const records = paxRecords(content);
  const [name, link, size] = [
    records.get('GNU.sparse.name') ?? records.get('path'),
    records.get('linkpath'),
    records.get('size'),
  ];
  const xattrs = [...records].filter(([key]) => key.startsWith(XATTR));
  const hasMore = type !== 'x' || [...records.keys()].some((key) => !NAME_OR_TIME.test(key));
  return {
    ...(name && { name }),
    ...(link && { link }),
    ...(size && { size: decimal(size) }),
    ...(xattrs.length > 0 && {
      xattrs: new Map(xattrs.map(([key, value]) => [key.slice(XATTR.length), value])),
    }),
    ...(hasMore && { hasMore }),
  };
}

/** libarchive, which reads the archive after us, would take another number for a size that is not written so. */
function decimal(size: Buffer): number {
  const text = size.toString('latin1');
  if (!/^\d+$/.test(text)) throw new AtomicError('has malformed pax records');
  return Number(text);
}

/** Lines `LENGTH KEY=VALUE`, where the value may be anything, and the length counts the whole line. */
function paxRecords(content: Buffer): ReadonlyMap<string, Buffer> {
  const records = new Map<string, Buffer>();
  for (let at = 0; at < content.length; ) {
    const blank = content.indexOf(' ', at);
    const equals = content.indexOf('=', at);
    const length = blank > at ? Number(content.toString('latin1', at, blank)) : 0;
    const end = at + length;
    if (!Number.isInteger(length) || length < 1 || equals < blank || equals >= end || end > content.length)
      throw new AtomicError('has malformed pax records');
    records.set(content.toString('utf8', blank + 1, equals), content.subarray(equals + 1, end - 1));
    at = end;
  }
  return records;
}
