/** Filters a tar stream: drops what OSTree cannot store and the padding at the end. */
import { Transform, type TransformCallback } from 'node:stream';
import { AtomicError } from '../../errors.ts';
import {
  BLOCK,
  isHeader,
  isPreface,
  modeIn,
  type Prefaced,
  padded,
  readHeader,
  readPreface,
  sizeIn,
  type TarEntry,
  typeOf,
  withMode,
} from './entry.ts';
import { type Directories, isFolder, TarRules } from './rules.ts';

/** A block of zeros ends the archive. */
const END = Buffer.alloc(BLOCK);
/** More in front of an entry is neither its name nor its attributes; it is held in memory. */
const LARGEST_PREFACES = 16 * 1024 * 1024;
/** On Linux every link has these permissions; with others, its object would count as damaged (`ostree fsck`). */
const LINK_MODE = 0o777;
/** Of a whole archive, not of an entry: defaults for pax records, and the volume's label. */
const ABOUT_ALL = new Set(['g', 'V']);

/** Takes entries out of the stream. */
export interface Taker {
  /** Whether it takes this one; then it gets its content, too. */
  take(entry: TarEntry, header: Buffer): boolean;
  write(part: Buffer): void;
  end(): void;
}

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
  #contentGoes: 'out' | 'away' | 'taken' = 'out';
  /** How much of what remains is padding. */
  #padding = 0;
  readonly #taker: Taker | undefined;
  /** Whether pax records for all entries have come, which do not stand in these. */
  #hasDefaults = false;
  /** Whether anything has gone on. */
  #isEmpty = true;
  /** Directories that were taken: they go on as well, for what is in them, as soon as anything else does. */
  #directories: Buffer[] = [];
  /** Whether blocks with more of a sparse file's map are still to come, in front of its content. */
  #hasMoreMap = false;
  #hasEnded = false;

  /**
   * @param owner what the archive is, for messages
   * @param taker gets what it likes of what would go on; if it likes everything, nothing comes out
   */
  constructor(owner: string, taker?: Taker) {
    super();
    this.#owner = owner;
    this.#taker = taker;
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
      if (length > 0) this.#isEmpty = false;
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
    if (this.#hasEnded && !(this.#isEmpty && this.#taker)) this.push(Buffer.concat([END, END]));
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
    if (this.#contentGoes === 'taken') this.#handOver(part);
    return part.length > 0;
  }

  #handOver(part: Buffer): void {
    const content = part.length - Math.max(0, this.#padding - this.#remaining);
    if (content > 0) this.#taker?.write(part.subarray(0, content));
    if (this.#remaining === 0) this.#taker?.end();
  }

  #readEntry(header: Buffer): boolean {
    const entry = readHeader(header, this.#prefaced);
    const isAboutAll = ABOUT_ALL.has(entry.type);
    const stays = isAboutAll || this.#rules.admit(entry);
    this.#hasDefaults ||= isAboutAll;
    this.#take(BLOCK);
    if (!stays) this.dropped++;
    if (!stays) this.#contentGoes = 'away';
    else if (!isAboutAll && this.#isTaken(entry, header)) {
      this.#contentGoes = 'taken';
      // copies: the chunks that they are in are much larger
      if (isFolder(entry))
        this.#directories.push(...[...this.#held, header].map((part) => Buffer.from(part)));
    } else {
      this.#contentGoes = 'out';
      if (this.#directories.length > 0) this.#isAsItCame = false;
      this.#kept.push(...this.#directories.splice(0), ...this.#held, this.#asLink(header, entry.type));
    }
    this.#hasMoreMap = entry.type === 'S' && header[482] !== 0;
    this.#remaining = padded(entry.size);
    this.#padding = this.#remaining - entry.size;
    if (this.#contentGoes === 'taken' && entry.size === 0) this.#taker?.end();
    this.#held = [];
    this.#prefaced = {};
    return true;
  }

  #isTaken(entry: TarEntry, header: Buffer): boolean {
    const whole = this.#hasDefaults ? { ...entry, hasMore: true } : entry;
    return this.#taker?.take(whole, header) ?? false;
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
    // which of two counts, others may see differently
    if ((said.name && this.#prefaced.name) || (said.link && this.#prefaced.link))
      throw new AtomicError('has an entry with two names');
    this.#prefaced = { ...this.#prefaced, ...said };
    return true;
  }

  #take(length: number): Buffer {
    const part = this.#buffer.subarray(0, length);
    this.#buffer = this.#buffer.subarray(length);
    return part;
  }
}
