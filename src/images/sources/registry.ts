/** Pulls images from registries. */
import { join } from 'node:path';
import type { Context } from '../../context.ts';
import { AtomicError } from '../../errors.ts';
import { type ImageSource, inspectConfig, inspectManifest, type RawManifest } from '../../host/skopeo.ts';
import type { Reference } from '../names/reference.ts';
import type { Labels } from '../store/labels.ts';
import { type Manifest, parseImageConfig, parseManifest } from '../store/manifest.ts';
import { registryHint } from './hints.ts';
import { choosePlatform } from './platform.ts';
import { mismatch, type PullableImage, requireLayers } from './pullable-image.ts';

/**
 * An image in its registry, for what is done there besides pulling.
 *
 * @throws AtomicError when the reference is to another source
 */
export function registryImage(
  { transport, name }: Reference,
  purpose: NonNullable<ImageSource['purpose']>,
): ImageSource {
  if (transport !== 'registry' && transport !== 'insecure')
    throw new AtomicError(`cannot ${purpose} ${name} in a registry: '${transport}:' is not one`);
  const isInsecure = transport === 'insecure';
  return {
    location: `docker://${name}`,
    shownAs: name,
    isInsecure,
    authFile: undefined,
    hintFor: registryHint,
    purpose,
  };
}

/** What a registry has under a name. */
export interface RegistryManifest {
  readonly raw: RawManifest;
  readonly manifest: Manifest;
  /** The image by its digest, so that a tag that moves meanwhile cannot mix two images. */
  readonly source: ImageSource;
}

/**
 * Fetches the manifest of an image, and from a list of them the one for this machine.
 *
 * @throws AtomicError when the registry refuses, or has no such image for this machine
 */
export async function fetchManifest(context: Context, image: ImageSource): Promise<RegistryManifest> {
  const name = image.shownAs;
  const first = await inspectManifest(context, image);
  const top = parseManifest(first.text, name);
  const sourceOf = (digest: string) => ({ ...image, location: locationOf(name, digest) });
  if (top.manifests === undefined) return { raw: first, manifest: top, source: sourceOf(first.digest) };
  const digest = choosePlatform(top, name);
  const raw = await inspectManifest(context, sourceOf(digest));
  if (raw.digest !== digest) throw mismatch(`the manifest of ${name}`, raw.digest, digest);
  return { raw, manifest: parseManifest(raw.text, name), source: sourceOf(digest) };
}

/**
 * Fetches the labels of an image; nothing is pulled.
 *
 * @throws AtomicError when the registry refuses, or has no such image
 */
export async function fetchLabels(context: Context, image: ImageSource): Promise<Labels> {
  const { text } = await inspectConfig(context, image);
  return parseImageConfig(text, image.shownAs).config?.Labels ?? {};
}

/**
 * Finds an image in its registry, for a pull.
 *
 * @param authFile see {@link ImageSource}
 * @param folder an empty temporary one, for the layers
 * @throws AtomicError when the registry refuses, or has no such image for this machine
 */
export async function findInRegistry(
  context: Context,
  { name, transport }: Reference,
  { authFile, folder }: { authFile: string | undefined; folder: string },
): Promise<PullableImage> {
  const isInsecure = transport === 'insecure';
  const location = `docker://${name}`;
  const tagged = { location, shownAs: name, isInsecure, authFile, hintFor: registryHint };
  const { raw, manifest, source } = await fetchManifest(context, tagged);
  requireLayers(manifest, name);
  return {
    raw,
    manifest,
    config: async () => await inspectConfig(context, source),
    importLayers: async (layers, means) => {
      // most pulls are of what is there already, and need nothing of this
      const { fetchLayers } = await import('../layers/fetch.ts');
      await fetchLayers(context, source, layers, { folder: join(folder, 'layout'), ...means });
    },
  };
}

function locationOf(name: string, digest: string): string {
  const path = name.split('@')[0] ?? '';
  const slash = path.lastIndexOf('/') + 1;
  return `docker://${path.slice(0, slash)}${path.slice(slash).split(':')[0]}@${digest}`;
}
