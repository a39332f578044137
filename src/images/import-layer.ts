/** One layer, from a blob on disk to a commit. */
import { createHash } from 'node:crypto';
import { createReadStream, type ReadStream } from 'node:fs';
import { open, rm, stat } from 'node:fs/promises';
import { Transform, type TransformCallback } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import type { Context } from '../context.ts';
import { AtomicError } from '../errors.ts';
import { commitAgain, commitTar } from '../host/ostree.ts';
import { TarFilter } from '../host/tar-filter.ts';
import { blobRef } from './reference.ts';

/** Bytes handed on at a time: with Node's own 16 and 64 KiB, handing on takes longer than uncompressing. */
const CHUNK = 256 * 1024;

export interface LayerBlob {
  /** Its digest, without `sha256:`. */
  readonly hex: string;
  readonly file: string;
  /** The digest of the uncompressed layer according to the image's configuration; not all images say. */
  readonly diffId: string | undefined;
}

/**
 * Imports a layer: reads it once, uncompressing, measuring and filtering on the way into ostree. Its ref is made last,
 * when everything has been checked. Device nodes, fifos and sockets are left out; `onSpecial` gets their number.
 *
 * @throws AtomicError when the blob is no layer, or not the one that the configuration speaks of
 */
export async function importLayer(
  context: Context,
  { hex, file, diffId }: LayerBlob,
  onSpecial: (count: number) => void,
): Promise<void> {
  const owner = `layer ${hex}`;
  const meter = new Meter();
  const filter = new TarFilter(owner);
  const { repository } = context.paths;
  const commit = await feed(commitTar(context, repository, filter), unpack(context, file, [meter, filter]));
  if (diffId !== undefined && meter.digest() !== diffId) {
    throw new AtomicError(
      `${owner} does not match its image: uncompressed it is ${meter.digest()}, not ${diffId}`,
    );
  }
  const metadata = {
    'docker.size': String((await stat(file)).size),
    'docker.uncompressed_size': String(meter.bytes),
    'docker.uncompressed_digest': meter.digest(),
  };
  await commitAgain(context, repository, commit, { ref: blobRef(hex), metadata });
  if (filter.dropped > 0) onSpecial(filter.dropped);
}

/** Waits for both ends of a pipe. When both fail, the source knows better why, unless the sink just went away. */
async function feed(sink: Promise<string>, source: Promise<void>): Promise<string> {
  const [committed, fed] = await Promise.allSettled([sink, source]);
  if (fed.status === 'rejected' && fed.reason instanceof AtomicError) throw fed.reason;
  if (committed.status === 'rejected') throw committed.reason;
  if (fed.status === 'rejected') throw fed.reason;
  return committed.value;
}

async function unpack(context: Context, file: string, [meter, filter]: [Meter, TarFilter]): Promise<void> {
  const magic = await beginning(file);
  const { signal } = context;
  if (magic.startsWith('1f8b')) {
    const gunzip = createGunzip({ chunkSize: CHUNK });
    await pipeline(readStream(file), gunzip, meter, filter, { signal }).catch(explainGzip);
  } else if (magic === '28b52ffd') {
    await pipeline(readStream(await unzstd(context, file)), meter, filter, { signal });
  } else {
    await pipeline(readStream(file), meter, filter, { signal });
  }
}

function readStream(file: string): ReadStream {
  return createReadStream(file, { highWaterMark: CHUNK });
}

/** zlib's errors have codes that begin with `Z_` and no file name. */
function explainGzip(error: unknown): never {
  if (error instanceof Error && 'code' in error && String(error.code).startsWith('Z_'))
    throw new AtomicError(`a layer is damaged: it cannot be uncompressed: ${error.message}`, {
      cause: error,
    });
  throw error;
}

/** The first four bytes, in hex: RFC 1952 for gzip, RFC 8878 for Zstandard. */
async function beginning(file: string): Promise<string> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(4), 0, 4, 0);
    return buffer.subarray(0, bytesRead).toString('hex');
  } finally {
    await handle.close();
  }
}

/** Node 20 has no Zstandard; zstd(1) writes the layer beside the blob, in the pull's temporary folder. */
async function unzstd(context: Context, file: string): Promise<string> {
  const plain = `${file}.tar`;
  await rm(plain, { force: true });
  await context.processes.run({ tool: 'zstd', args: ['-d', '-q', '-o', plain, '--', file] });
  return plain;
}

/** Counts and digests what flows through. */
class Meter extends Transform {
  bytes = 0;
  readonly #hash = createHash('sha256');
  #digest: string | undefined;

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.bytes += chunk.length;
    this.#hash.update(chunk);
    done(null, chunk);
  }

  /** `sha256:<hex>` of everything; to be asked at the end. */
  digest(): string {
    this.#digest ??= `sha256:${this.#hash.digest('hex')}`;
    return this.#digest;
  }
}
