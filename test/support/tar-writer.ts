/** Tar archives as no tool would write them. */

export interface Entry {
  readonly name: string | Buffer;
  /** The type flag of POSIX; `0`, a file, when absent. */
  readonly type?: string;
  readonly link?: string;
  readonly content?: string | Buffer;
  readonly mode?: number;
  /** Its user and group; 0, root, when absent. */
  readonly owner?: number;
  /** Records in front of the entry. */
  readonly pax?: Readonly<Record<string, string>>;
}

const BLOCK = 512;

/** The archive of these entries, in this order, with its end. */
export function tarOf(entries: readonly Entry[]): Buffer {
  return Buffer.concat([...entries.flatMap(blocksOf), Buffer.alloc(2 * BLOCK)]);
}

function blocksOf({ pax, ...entry }: Entry): readonly Buffer[] {
  const content = Buffer.from(entry.content ?? '');
  const blocks = [headerOf(entry, content.length), padded(content)];
  if (pax === undefined) return blocks;
  return [...blocksOf({ name: 'records', type: 'x', content: recordsOf(pax) }), ...blocks];
}

function headerOf({ name, type = '0', link = '', mode = 0o755, owner = 0 }: Entry, size: number): Buffer {
  const header = Buffer.alloc(BLOCK);
  Buffer.from(name).copy(header, 0, 0, 100);
  header.write(octal(mode, 7), 100);
  header.write(octal(owner, 7), 108);
  header.write(octal(owner, 7), 116);
  header.write(octal(size, 11), 124);
  header.write(octal(0, 11), 136);
  header.fill(' ', 148, 156);
  header.write(type, 156);
  header.write(link, 157, 100);
  header.write('ustar\0' + '00', 257);
  header.write(octal(1, 7), 329);
  header.write(octal(3, 7), 337);
  header.write(
    `${octal(
      header.reduce((sum, byte) => sum + byte),
      6,
    )}\0 `,
    148,
  );
  return header;
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0');
}

function padded(content: Buffer): Buffer {
  return Buffer.concat([content, Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK)]);
}

/** `LENGTH KEY=VALUE`, where the length counts itself. */
function recordsOf(pax: Readonly<Record<string, string>>): Buffer {
  const lines = Object.entries(pax).map(([key, value]) => {
    const rest = Buffer.from(` ${key}=${value}\n`);
    let length = rest.length + 1;
    while (String(length).length + rest.length !== length) length++;
    return Buffer.concat([Buffer.from(String(length)), rest]);
  });
  return Buffer.concat(lines);
}
