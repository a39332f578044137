/** Filters a tar stream: drops what OSTree cannot store and the padding at the end. */
import { Transform, type TransformCallback } from 'node:stream';
import { AtomicError } from '../../errors.ts';
import {
  BLOCK,
  isHeader,
  isPreface,
  modeIn,
  type Prefaced,
  readHeader,
  readPreface,
  sizeIn,
  typeOf,
  withMode,
} from './entry.ts';
import { type Directories, TarRules } from './rules.ts';

/** A block of zeros ends the archive. */
const END = Buffer.alloc(BLOCK);
/** More in front of an entry is neither its name nor its attributes; it is held in memory. */
const LARGEST_PREFACES = 16 * 1024 * 1024;
/** On Linux every link has these permissions; with others, its object would count as damaged (`ostree fsck`). */
const LINK_MODE = 0o777;
/** Of a whole archive, not of an entry: defaults for pax records, and the volume's label. */
const ABOUT_ALL = new Set(['g', 'V']);

/** Counts what it drops; errors with AtomicError when the stream is not a tar archive, or one for {@link TarRules}. */
export class TarFilter extends Transform {
  /** How many entries were left out so far. */
  dropped = 0;
  readonly #owner: string;
  readonly #rules = new TarRules();
  #buffer: Buffer = Buffer.alloc(0);
  /** The prefaces of the next entry, held back until it is known whether that one stays, and what they say. */
  #held: Buffer[] = [];
  #prefaced: Prefaced = {};
  /** What of the current chunk goes on, and whether nothing older does, and nothing was changed. */
  #kept: Buffer[] = [];
  #isAsItCame = true;
  /** Bytes of the current entry's content still to come, padding included. */
  #remaining = 0;
  #contentGoes: 'out' | 'away' = 'out';
  /** Whether blocks with more of a sparse file's map are still to come, in front of its content. */
  #hasMoreMap = false;
  #hasEnded = false;

  /** @param owner what the archive is, for messages */
  constructor(owner: string) {
    super();
    this.#owner = owner;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#isAsItCame = this.#buffer.length === 0 && this.#held.length === 0;
    try {
      this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk]);
      while (this.#advance());
      const kept = this.#kept.splice(0);
      const length = kept.reduce((sum, part) => sum + part.length, 0);
      // in one piece: every piece costs the reader at the other end of the pipe a wake-up
      const isWhole = this.#isAsItCame && length === chunk.length;
      if (length > 0) this.push(isWhole ? chunk : Buffer.concat(kept, length));
      done();
    } catch (error) {
      done(this.#named(error));
    }
  }

  /** What the archive says of its directories; complete at the end. */
  get directories(): Directories {
    return this.#rules.directories;
  }

  #named(error: unknown): Error {
    if (!(error instanceof AtomicError)) return error as Error;
    return new AtomicError(`${this.#owner} ${error.message}`, { cause: error });
  }

  override _flush(done: TransformCallback): void {
    const isCut = this.#remaining > 0 || this.#buffer.length > 0 || this.#held.length > 0 || this.#hasMoreMap;
    // not earlier: whoever has seen the end need not wait for what follows, and may be gone
    if (this.#hasEnded) this.push(Buffer.concat([END, END]));
    done(isCut ? new AtomicError(`${this.#owner} is cut short`) : null);
  }

  /** Deals with the beginning of the buffer; says whether it got any further. */
  #advance(): boolean {
    if (this.#hasEnded) return this.#dropAll();
    if (this.#hasMoreMap) return this.#passMap();
    if (this.#remaining > 0) return this.#passContent();
    if (this.#buffer.length < BLOCK) return false;
    const header = this.#buffer.subarray(0, BLOCK);
    if (header.equals(END)) {
      this.#hasEnded = true;
      return true;
    }
    if (!isHeader(header)) throw new AtomicError('is not a tar archive');
    return isPreface(typeOf(header)) ? this.#holdPreface(header) : this.#readEntry(header);
  }

  /** Behind the end of the archive: padding, which tools may go on with for a while. */
  #dropAll(): boolean {
    this.#buffer = Buffer.alloc(0);
    return false;
  }

  /** GNU tar has the map of a sparse file in the header, and goes on after it (tar(5), "Sparse files"). */
  #passMap(): boolean {
    if (this.#buffer.length < BLOCK) return false;
    const block = this.#take(BLOCK);
    this.#hasMoreMap = block[504] !== 0;
    if (this.#contentGoes === 'out') this.#kept.push(block);
    return true;
  }

  #passContent(): boolean {
    const part = this.#take(Math.min(this.#remaining, this.#buffer.length));
    this.#remaining -= part.length;
    if (this.#contentGoes === 'out' && part.length > 0) this.#kept.push(part);
    return part.length > 0;
  }

  #readEntry(header: Buffer): boolean {
    const entry = readHeader(header, this.#prefaced);
    const stays = ABOUT_ALL.has(entry.type) || this.#rules.admit(entry);
    this.#contentGoes = stays ? 'out' : 'away';
    const block = this.#asLink(this.#take(BLOCK), entry.type);
    if (stays) this.#kept.push(...this.#held, block);
    else this.dropped++;
    this.#hasMoreMap = entry.type === 'S' && block[482] !== 0;
    this.#remaining = padded(entry.size);
    this.#held = [];
    this.#prefaced = {};
    return true;
  }

  #asLink(header: Buffer, type: string): Buffer {
    if (type !== '2' || modeIn(header) === LINK_MODE) return header;
    this.#isAsItCame = false;
    return withMode(header, LINK_MODE);
  }

  #holdPreface(header: Buffer): boolean {
    const size = sizeIn(header);
    const held = this.#held.reduce((sum, { length }) => sum + length, 0);
    if (!(size >= 0 && held + size <= LARGEST_PREFACES))
      throw new AtomicError(`has an entry with a name or attributes of ${held + size} bytes`);
    if (this.#buffer.length < BLOCK + padded(size)) return false;
    const preface = this.#take(BLOCK + padded(size));
    this.#held.push(preface);
    const said = readPreface(typeOf(preface), preface.subarray(BLOCK, BLOCK + size));
    this.#prefaced = { ...this.#prefaced, ...said };
    return true;
  }

  #take(length: number): Buffer {
    const part = this.#buffer.subarray(0, length);
    this.#buffer = this.#buffer.subarray(length);
    return part;
  }
}

function padded(size: number): number {
  return Math.ceil(size / BLOCK) * BLOCK;
}
