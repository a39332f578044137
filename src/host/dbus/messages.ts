/** Messages of D-Bus, as far as the jobs of systemd need them: https://dbus.freedesktop.org/doc/dbus-specification.html */

/** What comes before everything else: who we are, which the socket proves, and that messages follow. */
export const greeting = (uid: number) =>
  Buffer.from(`\0AUTH EXTERNAL ${Buffer.from(String(uid)).toString('hex')}\r\nBEGIN\r\n`, 'latin1');

/** The answer to the {@link greeting}: `OK`, and the number of the server. */
export const WELCOME = /^OK [0-9a-f]+\r\n/;

/** A call with two strings as its arguments, of systemd's object for everything. */
export function managerCall(serial: number, method: string, [first, second]: [string, string]): Buffer {
  const body = Buffer.concat([stringOf(first, 4), stringOf(second, 1)]);
  const fields = Buffer.concat([
    fieldOf(FIELDS.path, 'o', '/org/freedesktop/systemd1'),
    fieldOf(FIELDS.destination, 's', 'org.freedesktop.systemd1'),
    fieldOf(FIELDS.interface, 's', 'org.freedesktop.systemd1.Manager'),
    fieldOf(FIELDS.member, 's', method),
    Buffer.from([FIELDS.signature, 1, 'g'.charCodeAt(0), 0, 2, ...Buffer.from('ss'), 0]),
  ]);
  const head = Buffer.alloc(16);
  head.write('l', 'latin1');
  head.writeUInt8(TYPES.call, 1);
  head.writeUInt8(1, 3);
  head.writeUInt32LE(body.length, 4);
  head.writeUInt32LE(serial, 8);
  head.writeUInt32LE(fields.length, 12);
  return Buffer.concat([padded(Buffer.concat([head, fields]), 8), body]);
}

const TYPES = { call: 1, answer: 2, error: 3, signal: 4 } as const;
const FIELDS = { path: 1, interface: 2, member: 3, replySerial: 5, destination: 6, signature: 8 } as const;

function padded(bytes: Buffer, alignment: number): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & (alignment - 1))]);
}

function stringOf(text: string, alignment: number): Buffer {
  const bytes = Buffer.from(`${text}\0`);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length - 1);
  return padded(Buffer.concat([length, bytes]), alignment);
}

/** A field of the header: its number, and a value with its type before it. Each begins at a multiple of eight. */
function fieldOf(field: number, type: 'o' | 's', text: string): Buffer {
  return padded(Buffer.concat([Buffer.from([field, 1, type.charCodeAt(0), 0]), stringOf(text, 1)]), 8);
}

/** What arrives, as far as it matters here. */
export interface Message {
  readonly kind: 'answer' | 'error' | 'signal' | 'other';
  /** The call that it answers. */
  readonly replySerial: number | undefined;
  /** The name of a signal. */
  readonly member: string | undefined;
  /** The strings and object paths among its arguments; none when there are others than strings and numbers. */
  readonly strings: readonly string[];
}

/**
 * Takes the first message off what has arrived.
 *
 * @returns the message with the rest; `undefined` as long as it is not complete
 * @throws RangeError for what is no message
 */
export function takeMessage(bytes: Buffer): { message: Message; rest: Buffer } | undefined {
  if (bytes.length < 16) return undefined;
  const isLittle = bytes[0] === 'l'.charCodeAt(0);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const [bodyLength, fieldsLength] = [view.getUint32(4, isLittle), view.getUint32(12, isLittle)];
  const body = (16 + fieldsLength + 7) & ~7;
  if (bodyLength > LIMIT || fieldsLength > LIMIT) throw new RangeError('the message is too long');
  if (bytes.length < body + bodyLength) return undefined;
  const fields = new Reader(bytes.subarray(0, 16 + fieldsLength), isLittle, 16).fields();
  const reader = new Reader(bytes.subarray(body, body + bodyLength), isLittle, 0);
  const kinds = { [TYPES.answer]: 'answer', [TYPES.error]: 'error', [TYPES.signal]: 'signal' } as const;
  const message: Message = {
    kind: kinds[bytes[1] as keyof typeof kinds] ?? 'other',
    replySerial: fields.get(FIELDS.replySerial) as number | undefined,
    member: fields.get(FIELDS.member) as string | undefined,
    strings: reader.strings(String(fields.get(FIELDS.signature) ?? '')),
  };
  return { message, rest: bytes.subarray(body + bodyLength) };
}

/** More than any message that is not for us has. */
const LIMIT = 2 ** 27;

/** Reads values one after the other; numbers and strings begin at multiples of four. */
class Reader {
  readonly #bytes: Buffer;
  readonly #isLittle: boolean;
  #at: number;

  constructor(bytes: Buffer, isLittle: boolean, at: number) {
    this.#bytes = bytes;
    this.#isLittle = isLittle;
    this.#at = at;
  }

  /** The fields of a header by their numbers. */
  fields(): Map<number, string | number> {
    const found = new Map<number, string | number>();
    while (this.#at < this.#bytes.length) {
      this.#at = (this.#at + 7) & ~7;
      const field = this.#bytes.readUInt8(this.#at);
      this.#at += 1;
      found.set(field, this.#value(this.#signature()));
    }
    return found;
  }

  strings(signature: string): readonly string[] {
    if (!/^[sou]*$/.test(signature)) return [];
    return [...signature].map((type) => this.#value(type)).filter((value) => typeof value === 'string');
  }

  #value(type: string): string | number {
    if (type === 'g') return this.#signature();
    const number = this.#number();
    if (type === 'u') return number;
    if (type !== 's' && type !== 'o') throw new RangeError(`a header has a value of type ${type}`);
    return this.#text(number);
  }

  #signature(): string {
    const length = this.#bytes.readUInt8(this.#at);
    this.#at += 1;
    return this.#text(length);
  }

  #number(): number {
    this.#at = (this.#at + 3) & ~3;
    const number = this.#isLittle ? this.#bytes.readUInt32LE(this.#at) : this.#bytes.readUInt32BE(this.#at);
    this.#at += 4;
    return number;
  }

  #text(length: number): string {
    const text = this.#bytes.toString('utf8', this.#at, this.#at + length);
    this.#at += length + 1;
    return text;
  }
}
