/** Reads the images in the repository, without starting a program. */
import type { Context } from '../../context.ts';
import { AtomicError, ifPossible, lineOf, orUndefined } from '../../errors.ts';
import { warn } from '../../events.ts';
import { listRefs, resolveRef } from '../../host/ostree/refs.ts';
import { type Commit, readCommit, readRootFile } from '../../host/ostree/repository.ts';
import { byCodePoint } from '../../order.ts';
import { parseReference, splitTag } from '../names/reference.ts';
import { blobRef, decodeRef, isBlobName, REF_FOLDER, refOf } from '../names/refs.ts';
import { hexOf, layersOf, type Manifest, parseManifest } from './manifest.ts';

/** An image that a tag or digest names. */
export interface LocalImage {
  /** As the ref spells it, with registry and tag. */
  readonly name: string;
  readonly ref: string;
  /** Checksum of the ref's commit. */
  readonly commit: string;
  /** 64 hex digits: the digest of its manifest. */
  readonly id: string;
  /** When it was imported. */
  readonly created: Date;
  readonly manifest: Manifest;
  /** Hex digests, base first. */
  readonly layers: readonly string[];
  /** Bytes of all layers, uncompressed, as recorded by our pulls; those of the Python tool recorded none. */
  readonly size: number | undefined;
}

/** What the listings need of an image, a layer or a configuration. */
export interface ImageEntry {
  readonly repository: string;
  readonly tag: string;
  readonly id: string;
  readonly created: Date;
  /** Bytes of all layers, uncompressed as far as that is known; unknown when one of them is missing. */
  readonly virtualSize: number | undefined;
}

/** The key of layers, and, for the sum of them, of images that we have pulled. */
export const UNCOMPRESSED_SIZE = 'docker.uncompressed_size';

/** Shorter prefixes of an id would match by accident. */
const SHORTEST_ID_PREFIX = 4;

/**
 * Finds an image by its name, or by the beginning of its id.
 *
 * @returns `undefined` when there is none
 * @throws AtomicError when several images have an id that begins so, or the image is damaged
 */
export function findImage(context: Context, reference: string): LocalImage | undefined {
  const parsed = parseReference(reference);
  const byName = readImage(context, refOf(parsed));
  if (byName !== undefined || !isIdPrefix(reference)) return byName;
  const matches = listTaggedImages(context).filter(({ id }) => id.startsWith(reference));
  if (new Set(matches.map(({ id }) => id)).size > 1) {
    throw new AtomicError(`more images matching prefix \`${reference}\``, { hint: 'give more of the id' });
  }
  return matches[0];
}

function isIdPrefix(text: string): boolean {
  return text.length >= SHORTEST_ID_PREFIX && /^[0-9a-f]{1,64}$/.test(text);
}

/** What the listings show of {@link listTaggedImages}. */
export function listLocalImages(context: Context): ImageEntry[] {
  const present = new Set(listRefs(context.paths.repository, REF_FOLDER));
  return listTaggedImages(context).map((image) => ({
    ...splitTag(image.name),
    id: image.id,
    created: image.created,
    virtualSize: image.layers.every((hex) => present.has(hex))
      ? (image.size ?? sumOfLayers(context, image.layers))
      : undefined,
  }));
}

/** The bytes of layers, uncompressed as far as that is known; `undefined` when one of them is missing or damaged. */
export function sumOfLayers({ paths }: Context, layers: readonly string[]): number | undefined {
  const sizes = layers.map((hex) => layerSize(paths.repository, hex));
  return sizes.reduce((sum, size) => (sum === undefined || size === undefined ? undefined : sum + size), 0);
}

/** The commits of layers and configurations, sorted by digest. */
export function listUntagged(context: Context): ImageEntry[] {
  const { repository } = context.paths;
  const names = listRefs(repository, REF_FOLDER).filter(isBlobName);
  const entries = names.map((hex) => orWarn(context, hex, () => untaggedEntry(repository, hex)));
  return entries.filter((entry) => entry !== undefined);
}

function untaggedEntry(repository: string, hex: string): ImageEntry | undefined {
  const commit = readRef(repository, blobRef(hex));
  return commit && { repository: '', tag: '', id: hex, created: commit.created, virtualSize: sizeOf(commit) };
}

/** The encoded names of all tagged images, sorted. */
export function tagNames({ paths }: Context): readonly string[] {
  return listRefs(paths.repository, REF_FOLDER).filter((name) => !isBlobName(name));
}

/** The tagged images, whole, sorted by name; damaged ones are named in a warning and left out. */
export function listTaggedImages(context: Context): LocalImage[] {
  const images = tagNames(context).map((encoded) =>
    orWarn(context, decodeRef(encoded), () => readImage(context, `${REF_FOLDER}/${encoded}`)),
  );
  return images.filter((image) => image !== undefined).sort(byName);
}

/** A repository before those whose names begin with its own. */
function byName(a: LocalImage, b: LocalImage): number {
  const [left, right] = [splitTag(a.name), splitTag(b.name)];
  return byCodePoint(left.repository, right.repository) || byCodePoint(left.tag, right.tag);
}

/** One damaged image must not hide the others. */
function orWarn<Item>(context: Context, name: string, read: () => Item | undefined): Item | undefined {
  return ifPossible(read, (error) => warn(context, `Skipping image '${name}': ${lineOf(error)}`));
}

/** All tags of the image with this id, sorted by name. */
export function tagsOf(context: Context, id: string): readonly LocalImage[] {
  return listTaggedImages(context).filter((image) => image.id === id);
}

/** Reads the image of a ref, `undefined` when there is no such ref. */
export function readImage(context: Context, ref: string): LocalImage | undefined {
  const { repository } = context.paths;
  const checksum = resolveRef(repository, ref);
  if (checksum === undefined) return undefined;
  const commit = readCommit(repository, checksum);
  const name = decodeRef(ref.slice(REF_FOLDER.length + 1));
  const manifest = parseManifest(commit.metadata.get('docker.manifest') ?? '{}', name);
  return {
    name,
    ref,
    commit: checksum,
    id: idOf(context, { commit, manifest, checksum }),
    created: commit.created,
    manifest,
    layers: layersOf(manifest),
    size: numberIn(commit, UNCOMPRESSED_SIZE),
  };
}

/** compat: normally the digest of the manifest, unlike Docker's id, which is that of the configuration. */
function idOf(
  { env }: Context,
  { commit, manifest, checksum }: { commit: Commit; manifest: Manifest; checksum: string },
): string {
  const digest =
    commit.metadata.get('docker.digest') || manifest.Digest || manifest.config?.digest || checksum;
  return env.ATOMIC_OSTREE_TEST_FORCE_IMAGE_ID || hexOf(digest);
}

/** A layer that is missing or damaged has no size; listings say so with an empty cell. */
function layerSize(repository: string, hex: string): number | undefined {
  const commit = orUndefined(() => readRef(repository, blobRef(hex)));
  return commit && sizeOf(commit);
}

/** The compressed size only stands in where the uncompressed one is unknown: lists should compare like with like. */
function sizeOf(commit: Commit): number | undefined {
  return numberIn(commit, UNCOMPRESSED_SIZE) ?? numberIn(commit, 'docker.size');
}

function numberIn(commit: Commit, key: string): number | undefined {
  const text = commit.metadata.get(key);
  return text === undefined || !/^\d+$/.test(text) ? undefined : Number(text);
}

function readRef(repository: string, ref: string): Commit | undefined {
  const checksum = resolveRef(repository, ref);
  return checksum === undefined ? undefined : readCommit(repository, checksum);
}

/** compat: the keys that a commit of a complete layer has; the Python tool imports a layer again without them. */
const LAYER_KEYS = ['docker.size', UNCOMPRESSED_SIZE, 'docker.uncompressed_digest'];

/** Whether the repository has this layer, whole; a damaged commit is as good as none. */
export function hasLayer({ paths }: Context, hex: string): boolean {
  const commit = orUndefined(() => readRef(paths.repository, blobRef(hex)));
  return commit !== undefined && LAYER_KEYS.every((key) => commit.metadata.has(key));
}

/** Whether the repository has the configuration blob of this digest. */
export function hasConfig({ paths }: Context, hex: string): boolean {
  return orUndefined(() => readRef(paths.repository, blobRef(hex))) !== undefined;
}

/** The configuration of this digest (`sha256:<hex>`) as the repository has it, `undefined` when it has not. */
export function readConfigText({ paths }: Context, digest: string): string | undefined {
  const commit = readRef(paths.repository, blobRef(hexOf(digest)));
  return commit && readRootFile(paths.repository, commit, 'content').toString();
}
