import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { execa } from 'execa';
import { beforeAll, describe, expect, it } from 'vitest';
import { AtomicError } from '../../../../src/errors.ts';
import { TarFilter } from '../../../../src/host/tar/filter.ts';
import { useDirectory } from '../../support/directory.ts';

const folder = useDirectory();

beforeAll(async () => {
  const script = `
    mkdir -p plain/dir mixed && cd plain
    echo one > dir/one; ln dir/one dir/hard; ln -s one dir/soft; touch empty; head -c 1500 /dev/urandom > some
    touch "$(printf 'n%.0s' $(seq 180))"; cd ..
    cp -a plain/. mixed/; mkfifo mixed/dir/fifo "mixed/$(printf 'f%.0s' $(seq 180))"`;
  await execa('sh', ['-c', script], { cwd: folder });
});

async function tarOf(name: string, format: string): Promise<Buffer> {
  const file = join(folder, `${name}.${format}.tar`);
  await execa('tar', ['-cf', file, `--format=${format}`, '--sort=name', '-C', join(folder, name), '.']);
  return await readFile(file);
}

async function filtered(bytes: Buffer, chunk: number): Promise<{ output: Buffer; dropped: number }> {
  const chunks = Array.from({ length: Math.ceil(bytes.length / chunk) }, (_, index) =>
    bytes.subarray(index * chunk, (index + 1) * chunk),
  );
  const filter = new TarFilter('the layer');
  const output = await buffer(Readable.from(chunks).pipe(filter));
  return { output, dropped: filter.dropped };
}

/** With the two blocks that end an archive, and not the others that tar(1) fills it up with. */
function unpadded(bytes: Buffer): Buffer {
  const used = bytes.findLastIndex((byte) => byte !== 0) + 1;
  return bytes.subarray(0, Math.ceil(used / 512) * 512 + 1024);
}

async function namesIn(bytes: Buffer): Promise<readonly string[]> {
  const { stdout } = await execa('tar', ['-tf', '-'], { input: bytes });
  return stdout.split('\n');
}

describe('TarFilter', () => {
  it.each([
    { format: 'gnu', chunk: 64 * 1024 },
    { format: 'gnu', chunk: 100 },
    { format: 'posix', chunk: 64 * 1024 },
    { format: 'posix', chunk: 513 },
  ])(
    'passes a $format archive without special files byte for byte, in pieces of $chunk',
    async ({ format, chunk }) => {
      const bytes = await tarOf('plain', format);

      expect(await filtered(bytes, chunk)).toEqual({ output: unpadded(bytes), dropped: 0 });
    },
  );

  it.each(['gnu', 'posix'])('drops fifos of a %s archive with all that describes them', async (format) => {
    const bytes = await tarOf('mixed', format);

    const { output, dropped } = await filtered(bytes, 1000);

    expect(dropped).toBe(2);
    const without = (await namesIn(bytes)).filter((name) => !/fifo|fff/.test(name));
    expect(await namesIn(output)).toEqual(without);
  });

  it('drops devices', async () => {
    const bytes = await tarOf('plain', 'gnu');
    const header = Buffer.from(bytes.subarray(0, 512));
    header.write('3', 156, 'latin1');
    const sum = header.reduce((total, byte, index) => total + (index >= 148 && index < 156 ? 32 : byte), 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');

    const { output, dropped } = await filtered(Buffer.concat([header, bytes.subarray(512)]), 4096);

    expect(dropped).toBe(1);
    expect(output).toEqual(unpadded(bytes.subarray(512)));
  });

  it('refuses what is no archive', async () => {
    await expect(filtered(Buffer.alloc(2048, 'no archive '), 512)).rejects.toThrow(
      'the layer is not a tar archive',
    );
  });

  it('refuses an archive that ends in the middle', async () => {
    const bytes = await tarOf('plain', 'gnu');

    await expect(filtered(bytes.subarray(0, 512 * 3 + 17), 512)).rejects.toThrow(AtomicError);
  });

  it('keeps the end back until all has been read', async () => {
    const filter = new TarFilter('the layer');
    const seen: Buffer[] = [];
    filter.on('data', (chunk: Buffer) => seen.push(chunk));
    filter.write(unpadded(await tarOf('plain', 'gnu')));
    await new Promise(setImmediate);
    const before = Buffer.concat(seen).length;

    filter.end();
    await new Promise((resolve) => filter.once('end', resolve));

    expect(Buffer.concat(seen).length).toBe(before + 1024);
  });

  it('passes an empty stream', async () => {
    expect((await filtered(Buffer.alloc(1024), 512)).output).toEqual(Buffer.alloc(1024));
  });
});
