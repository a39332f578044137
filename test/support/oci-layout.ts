/** Writes OCI image layouts (https://github.com/opencontainers/image-spec/blob/main/image-layout.md) from folders. */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';

/** `fast-gzip` takes a third of the time, and somewhat more space. */
export type Compression = 'gzip' | 'fast-gzip' | 'zstd' | 'none';

/** A layer as an uncompressed tar file. */
export interface LayerSource {
  readonly tar: string;
  readonly compression: Compression;
}

export interface ImageSource {
  readonly layers: readonly LayerSource[];
  readonly labels: Readonly<Record<string, string>>;
  /** GOARCH names; more than one makes an index with a manifest for each. */
  readonly architectures: readonly string[];
  /** In place of what the configuration would say. */
  readonly config?: Readonly<Record<string, unknown>>;
}

interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
}

const LAYER_TYPE: Readonly<Record<Compression, string>> = {
  gzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  'fast-gzip': 'application/vnd.oci.image.layer.v1.tar+gzip',
  zstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
  none: 'application/vnd.oci.image.layer.v1.tar',
};
const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json';
const INDEX_TYPE = 'application/vnd.oci.image.index.v1+json';

/** Writes the layout `folder` with the image as `latest`. */
export async function writeLayout(folder: string, image: ImageSource): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(join(folder, 'blobs/sha256'), { recursive: true });
  const layers = await Promise.all(image.layers.map((layer) => writeLayer(folder, layer)));
  const manifests = [];
  for (const architecture of image.architectures) {
    const descriptor = await writeManifest(folder, image, { layers, architecture });
    manifests.push({ ...descriptor, platform: { os: 'linux', architecture } });
  }
  const [only, ...others] = manifests;
  const top = others.length === 0 ? only : await writeJson(folder, INDEX_TYPE, { ...INDEX, manifests });
  const named = { ...top, annotations: { 'org.opencontainers.image.ref.name': 'latest' } };
  await writeFile(join(folder, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [named] }));
  await writeFile(join(folder, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
}

const INDEX = { schemaVersion: 2, mediaType: INDEX_TYPE };

interface Layer {
  readonly descriptor: Descriptor;
  readonly diffId: string;
}

async function writeLayer(folder: string, { tar, compression }: LayerSource): Promise<Layer> {
  const plain = await readFile(tar);
  const packed = compression === 'none' ? plain : await compress(tar, compression);
  return { descriptor: await writeBlob(folder, LAYER_TYPE[compression], packed), diffId: digestOf(plain) };
}

const COMPRESSORS: Readonly<Record<Exclude<Compression, 'none'>, readonly [string, ...string[]]>> = {
  gzip: ['gzip', '--no-name'],
  'fast-gzip': ['gzip', '--no-name', '--fast'],
  zstd: ['zstd', '-q'],
};

async function compress(tar: string, compression: Exclude<Compression, 'none'>): Promise<Buffer> {
  const [tool, ...options] = COMPRESSORS[compression];
  const call = { encoding: 'buffer', maxBuffer: Number.POSITIVE_INFINITY } as const;
  const { stdout } = await execa(tool, [...options, '--stdout', tar], call);
  return Buffer.from(stdout);
}

async function writeManifest(
  folder: string,
  { labels, config: odd }: ImageSource,
  { layers, architecture }: { layers: readonly Layer[]; architecture: string },
): Promise<Descriptor> {
  const config = await writeJson(folder, 'application/vnd.oci.image.config.v1+json', {
    os: 'linux',
    architecture,
    config: { Labels: labels },
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    ...odd,
  });
  const manifest = {
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config,
    layers: layers.map((layer) => layer.descriptor),
  };
  return await writeJson(folder, MANIFEST_TYPE, manifest);
}

async function writeJson(folder: string, mediaType: string, document: object): Promise<Descriptor> {
  return await writeBlob(folder, mediaType, Buffer.from(JSON.stringify(document)));
}

async function writeBlob(folder: string, mediaType: string, content: Buffer): Promise<Descriptor> {
  const digest = digestOf(content);
  await writeFile(join(folder, 'blobs/sha256', digest.slice('sha256:'.length)), content);
  return { mediaType, digest, size: content.length };
}

function digestOf(content: Buffer): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}

export interface Manifest {
  config: Descriptor;
  layers: Descriptor[];
}

/** Changes the manifest of the only image in a layout, which keeps fitting to its index. */
export async function changeManifest(folder: string, change: (manifest: Manifest) => void): Promise<void> {
  const path = join(folder, 'index.json');
  const index = JSON.parse(await readFile(path, 'utf8'));
  const [entry] = index.manifests;
  const blob = join(folder, 'blobs/sha256', entry.digest.slice('sha256:'.length));
  const manifest = JSON.parse(await readFile(blob, 'utf8'));
  change(manifest);
  Object.assign(entry, await writeJson(folder, entry.mediaType, manifest));
  await writeFile(path, JSON.stringify(index));
}
