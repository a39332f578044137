/** Detects how files are compressed, and decompresses them. */
import { createReadStream, createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { AtomicError } from '../../errors.ts';
import type { Host } from '../host.ts';

export type Compression = 'gzip' | 'zstd' | 'none';

/** Bytes handed on at a time: with Node's own 16 and 64 KiB, handing on takes longer than uncompressing. */
export const CHUNK = 256 * 1024;

/** What a file is compressed with, by its first bytes: RFC 1952 for gzip, RFC 8878 for Zstandard. */
export async function compressionOf(file: string): Promise<Compression> {
  const magic = await beginning(file);
  if (magic.startsWith('1f8b')) return 'gzip';
  return magic === '28b52ffd' ? 'zstd' : 'none';
}

/** The first four bytes, in hex. */
async function beginning(file: string): Promise<string> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(4), 0, 4, 0);
    return buffer.subarray(0, bytesRead).toString('hex');
  } finally {
    await handle.close();
  }
}

/**
 * Writes the content of a gzip file to `target`.
 *
 * @throws AtomicError when the file is damaged
 */
export async function gunzip({ signal }: Host, file: string, target: string): Promise<void> {
  const source = createReadStream(file, { highWaterMark: CHUNK });
  const uncompressing = createGunzip({ chunkSize: CHUNK });
  await pipeline(source, uncompressing, createWriteStream(target), { signal }).catch(explainGzip(file));
}

/** zlib's errors have codes that begin with `Z_` and do not say what they are about. */
export function explainGzip(what: string): (error: unknown) => never {
  return (error) => {
    if (error instanceof Error && 'code' in error && String(error.code).startsWith('Z_'))
      throw new AtomicError(`${what} is damaged: it cannot be decompressed: ${error.message}`, {
        cause: error,
      });
    throw error;
  };
}

/** Writes the content of a Zstandard file to `target`: Node 20 has no Zstandard, zstd(1) has. */
export async function unzstd(host: Host, file: string, target: string): Promise<void> {
  await host.processes.run({ tool: 'zstd', args: ['-d', '-q', '-f', '-o', target, '--', file] });
}
