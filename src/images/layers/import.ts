/** Imports one layer: from a blob on disk to a commit. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, statSync } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { Transform, type TransformCallback } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import type { Context } from '../../context.ts';
import { AtomicError, ToolError } from '../../errors.ts';
import { faultPoint } from '../../faults.ts';
import { CHUNK, compressionOf, explainGzip, unzstd } from '../../host/files/compression.ts';
import { takesFileObjects } from '../../host/ostree/file-object.ts';
import { makeLayerPolicy } from '../../host/ostree/layer-policy.ts';
import { commitAgain, commitTar } from '../../host/ostree/program.ts';
import { readCommit } from '../../host/ostree/repository.ts';
import { isSelinuxEnabled, POLICIES } from '../../host/selinux.ts';
import { TarFilter } from '../../host/tar/filter.ts';
import { blobRef } from '../names/refs.ts';
import { hasLayer } from '../store/images.ts';
import type { Intake } from '../store/intake.ts';
import { DIRECTORIES, recordOf } from './directories.ts';
import { requireSafeWhiteouts } from './layer-tree.ts';
import { LayerWriter } from './layer-writer.ts';

/** A layer as its image describes it. */
export interface Layer {
  /** Its digest, without `sha256:`. */
  readonly hex: string;
  /** Bytes, as the manifest has it. */
  readonly size: number | undefined;
  /** The digest of the uncompressed layer according to the image's configuration; not all images say. */
  readonly diffId: string | undefined;
}

/** The blob of a layer. */
interface LayerFile {
  readonly file: string;
  /** Gets a function that tells how much has been read, from 0 to 1. */
  readonly onRead?: ((share: () => number) => void) | undefined;
}

/**
 * Imports a layer from the file of its blob, uncompressing, measuring and filtering on the way into ostree, and removes
 * the file. Its ref is made last, when everything has been checked.
 *
 * @returns how many device nodes, fifos and sockets were left out
 * @throws AtomicError when the blob is no layer, or not the one that its image speaks of
 */
export async function importLayer(
  context: Context,
  layer: Layer,
  { file, intake, onRead }: LayerFile & { readonly intake: Intake },
): Promise<number> {
  const counted = { dropped: 0 };
  await intake.bring({
    ref: blobRef(layer.hex),
    make: async (staging) => {
      counted.dropped = await stageLayer(context, layer, { file, onRead, staging });
      // before the disk has to write what nobody needs any more
      await rm(file);
    },
    isWanted: () => !hasLayer(context, layer.hex),
  });
  await faultPoint(context, 'pull.layer-imported');
  return counted.dropped;
}

/** Makes the commit of a layer in a staging repository; returns how many entries were left out. */
async function stageLayer(
  context: Context,
  { hex, size, diffId }: Layer,
  { file, onRead, staging }: LayerFile & { readonly staging: string },
): Promise<number> {
  const owner = `layer ${hex}`;
  const { size: found } = await stat(file);
  if (size !== undefined && size !== found)
    throw new AtomicError(`${owner} has ${found} bytes, not ${size} as its manifest says`);
  const content = await commitContent(context, { file, onRead, owner, staging }).catch(explainOstree(owner));
  const { commit, bytes, digest, dropped, directories } = content;
  if (diffId !== undefined && digest !== diffId)
    throw new AtomicError(`${owner} does not match its image: uncompressed it is ${digest}, not ${diffId}`);
  requireSafeWhiteouts(staging, readCommit(staging, commit).tree, owner);
  const metadata = {
    'docker.size': String(found),
    'docker.uncompressed_size': String(bytes),
    'docker.uncompressed_digest': digest,
    ...(directories !== undefined && { [DIRECTORIES]: directories }),
  };
  await commitAgain(context, staging, commit, { ref: blobRef(hex), metadata });
  await faultPoint(context, 'pull.layer-staged');
  return dropped;
}

/** What has been learnt of a layer on the way. */
interface LayerContent {
  /** A commit without what is known only at the end. */
  readonly commit: string;
  /** Uncompressed. */
  readonly bytes: number;
  /** `sha256:<hex>` of the uncompressed layer. */
  readonly digest: string;
  /** Device nodes and the like. */
  readonly dropped: number;
  /** What is recorded of its directories. */
  readonly directories: string | undefined;
}

async function commitContent(
  context: Context,
  layer: LayerFile & { readonly owner: string; readonly staging: string },
): Promise<LayerContent> {
  const meter = new Meter();
  const policy = await policyFor(context, layer.file);
  using writer = writerFor(context, layer, policy);
  const filter = new TarFilter(layer.owner, writer);
  const source = unpack(context, layer, [meter, filter]);
  // what fails before anything flows would never end the filter, for which the sink waits
  source.catch((error: Error) => filter.destroy(error));
  const commit =
    writer === undefined
      ? await feed(commitTar(context, layer.staging, filter, policy), source)
      : writer.commit(await feed(commitRest(context, layer.staging, filter), source));
  const { dropped, directories } = filter;
  return { commit, bytes: meter.bytes, digest: meter.digest(), dropped, directories: recordOf(directories) };
}

/** What brings the ordinary entries, where only owner, permissions and content are to be kept of them. */
function writerFor(
  { user }: Context,
  { staging, owner }: { staging: string; owner: string },
  policy: string | undefined,
): LayerWriter | undefined {
  const isEnough = user.isRoot && policy === undefined && takesFileObjects(staging);
  return isEnough ? new LayerWriter(staging, owner) : undefined;
}

/** Commits what the writer has left in the stream; `undefined` when that is nothing. */
async function commitRest(context: Context, staging: string, filter: TarFilter): Promise<string | undefined> {
  await once(filter, 'readable');
  if (filter.readableLength > 0) return await commitTar(context, staging, filter);
  filter.resume();
  return undefined;
}

/** By what ostree(1) is to label files; ordinary users may set no labels. */
async function policyFor({ user }: Context, file: string): Promise<string | undefined> {
  if (!user.isRoot || !isSelinuxEnabled()) return undefined;
  const folder = `${file}.policy`;
  await rm(folder, { recursive: true, force: true });
  await makeLayerPolicy(folder, POLICIES);
  return folder;
}

/** What the filter lets through but OSTree does not take is the layer's fault. */
function explainOstree(owner: string): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof ToolError) || error.argv[0] !== 'ostree') throw error;
    const reason = /^(?:error: |Bail out! )(.*)$/m.exec(error.failure.stderr)?.[1] ?? error.message;
    throw new AtomicError(`${owner} cannot be imported: ${reason}`, { cause: error });
  };
}

/** Waits for both ends of a pipe. When both fail, the source knows better why, unless the sink just went away. */
async function feed<Result>(sink: Promise<Result>, source: Promise<void>): Promise<Result> {
  const [committed, fed] = await Promise.allSettled([sink, source]);
  if (fed.status === 'rejected' && fed.reason instanceof AtomicError) throw fed.reason;
  if (committed.status === 'rejected') throw committed.reason;
  if (fed.status === 'rejected') throw fed.reason;
  return committed.value;
}

async function unpack(
  context: Context,
  { file, onRead, owner }: LayerFile & { readonly owner: string },
  [meter, filter]: [Meter, TarFilter],
): Promise<void> {
  const compression = await compressionOf(file);
  const { signal } = context;
  const readStream = (path: string) => {
    const stream = createReadStream(path, { highWaterMark: CHUNK });
    const { size } = statSync(path);
    onRead?.(() => stream.bytesRead / size);
    return stream;
  };
  if (compression === 'gzip') {
    const uncompressing = createGunzip({ chunkSize: CHUNK });
    await pipeline(readStream(file), uncompressing, meter, filter, { signal }).catch(explainGzip(owner));
  } else if (compression === 'zstd') {
    const plain = `${file}.tar`;
    await unzstd(context, file, plain);
    await pipeline(readStream(plain), meter, filter, { signal });
    await rm(plain);
  } else {
    await pipeline(readStream(file), meter, filter, { signal });
  }
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
