/** A tar stream without its device nodes and fifos, all else byte for byte: OSTree cannot hold those. */
import { Transform, type TransformCallback } from 'node:stream';
import { AtomicError } from '../errors.ts';

const BLOCK = 512;
/** A block of zeros ends the archive. */
const END = Buffer.alloc(BLOCK);

/** The type flags of character devices, block devices and fifos (POSIX.1-2017, pax, "ustar Interchange Format"). */
const SPECIAL = new Set(['3', '4', '6']);
/** Entries that describe the one behind them: pax records, and GNU's long names and long links. */
const PREFACE = new Set(['x', 'L', 'K']);
/** A preface larger than this is no name and no attribute. */
const LARGEST_PREFACE = 16 * 1024 * 1024;

/** Counts what it drops; errors with AtomicError when the stream is not a tar archive. */
export class TarFilter extends Transform {
  /** How many entries were left out so far. */
  dropped = 0;
  readonly #owner: string;
  #buffer: Buffer = Buffer.alloc(0);
  /** The prefaces of the next entry, held back until it is known whether that one stays. */
  #held: Buffer[] = [];
  /** What of the current chunk goes on. */
  #kept: Buffer[] = [];
  /** Bytes of the current entry's content still to come, padding included. */
  #remaining = 0;
  #contentGoes: 'out' | 'away' = 'out';
  /** Size of the next entry as its pax record has it. */
  #paxSize: number | undefined;
  #hasEnded = false;

  /** @param owner what the archive is, for messages */
  constructor(owner: string) {
    super();
    this.#owner = owner;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    const isWhole = this.#buffer.length === 0 && this.#held.length === 0;
    try {
      this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk]);
      while (this.#advance());
      const kept = this.#kept.splice(0);
      const length = kept.reduce((sum, part) => sum + part.length, 0);
      // in one piece: every piece costs the reader at the other end of the pipe a wake-up
      if (length > 0) this.push(isWhole && length === chunk.length ? chunk : Buffer.concat(kept, length));
      done();
    } catch (error) {
      done(error as Error);
    }
  }

  override _flush(done: TransformCallback): void {
    const isCut = this.#remaining > 0 || this.#buffer.length > 0 || this.#held.length > 0;
    done(isCut ? new AtomicError(`${this.#owner} is cut short`) : null);
  }

  /** Deals with the beginning of the buffer; says whether it got any further. */
  #advance(): boolean {
    if (this.#hasEnded) return this.#passAll();
    if (this.#remaining > 0) return this.#passContent();
    if (this.#buffer.length < BLOCK) return false;
    const header = this.#buffer.subarray(0, BLOCK);
    if (header.equals(END)) {
      this.#hasEnded = true;
      return true;
    }
    this.#requireHeader(header);
    return this.#readEntry(header);
  }

  /** Behind the end of the archive: padding, which tools may go on with for a while. */
  #passAll(): boolean {
    if (this.#buffer.length > 0) this.#kept.push(this.#buffer);
    this.#buffer = Buffer.alloc(0);
    return false;
  }

  #passContent(): boolean {
    const part = this.#take(Math.min(this.#remaining, this.#buffer.length));
    this.#remaining -= part.length;
    if (this.#contentGoes === 'out' && part.length > 0) this.#kept.push(part);
    return part.length > 0;
  }

  #readEntry(header: Buffer): boolean {
    const type = String.fromCharCode(header[156] ?? 0);
    const size = padded(this.#paxSize !== undefined && !PREFACE.has(type) ? this.#paxSize : sizeOf(header));
    if (PREFACE.has(type)) return this.#holdPreface(type, size);
    this.#paxSize = undefined;
    const block = this.#take(BLOCK);
    this.#remaining = size;
    this.#contentGoes = SPECIAL.has(type) ? 'away' : 'out';
    if (this.#contentGoes === 'away') this.dropped++;
    else this.#kept.push(...this.#held, block);
    this.#held = [];
    return true;
  }

  #holdPreface(type: string, size: number): boolean {
    if (size > LARGEST_PREFACE)
      throw new AtomicError(`${this.#owner} is not a valid tar archive: a name of ${size} bytes`);
    if (this.#buffer.length < BLOCK + size) return false;
    const preface = this.#take(BLOCK + size);
    this.#held.push(preface);
    if (type === 'x') this.#paxSize = paxSizeOf(preface.subarray(BLOCK)) ?? this.#paxSize;
    return true;
  }

  #take(length: number): Buffer {
    const part = this.#buffer.subarray(0, length);
    this.#buffer = this.#buffer.subarray(length);
    return part;
  }

  /** The checksum is the sum of all bytes, its own eight taken as blanks. */
  #requireHeader(header: Buffer): void {
    let sum = 8 * 32;
    for (let index = 0; index < BLOCK; index++) if (index < 148 || index >= 156) sum += header[index] ?? 0;
    if (sum !== octal(header.subarray(148, 156)))
      throw new AtomicError(`${this.#owner} is not a tar archive`);
  }
}

function padded(size: number): number {
  return Math.ceil(size / BLOCK) * BLOCK;
}

/** Octal digits, or, with the top bit set, GNU's base 256 for sizes of 8 GiB and more. */
function sizeOf(header: Buffer): number {
  const field = header.subarray(124, 136);
  return (field[0] ?? 0) & 0x80 ? field.readUIntBE(6, 6) : octal(field);
}

function octal(field: Buffer): number {
  return Number.parseInt(field.toString('latin1').replace(/\0.*$/s, '').trim() || '0', 8);
}

/** The `size` record of a pax header: lines `LENGTH KEY=VALUE`. */
function paxSizeOf(records: Buffer): number | undefined {
  const value = /(?:^|\n)\d+ size=(\d+)\n/.exec(records.toString('latin1'))?.[1];
  return value === undefined ? undefined : Number(value);
}
