/** Images in registries. */
import { join } from 'node:path';
import type { Context } from '../context.ts';
import { type ImageSource, inspectConfig, inspectManifest } from '../host/skopeo.ts';
import { fetchLayers } from './fetch-layers.ts';
import { type FoundImage, mismatch, requireLayers } from './found-image.ts';
import { parseManifest } from './manifest.ts';
import { choosePlatform } from './platform.ts';
import type { Reference } from './reference.ts';

export interface RegistryAccess {
  /** See {@link ImageSource}. */
  readonly authFile: string | undefined;
  /** An empty temporary one, for the layers. */
  readonly folder: string;
}

/**
 * Fetches the manifest of an image, and from a list of them the one for this machine. All else is then asked for by
 * digest, so that a tag that moves meanwhile cannot mix two images.
 *
 * @throws AtomicError when the registry refuses, or has no such image for this machine
 */
export async function findInRegistry(
  context: Context,
  reference: Reference,
  { authFile, folder }: RegistryAccess,
): Promise<FoundImage> {
  const { name, transport } = reference;
  const isInsecure = transport === 'insecure';
  const tagged = { location: `docker://${name}`, shownAs: name, isInsecure, authFile };
  const first = await inspectManifest(context, tagged);
  const top = parseManifest(first.text, name);
  if (top.manifests === undefined)
    return foundAs(context, { ...tagged, location: locationOf(name, first.digest) }, first, folder);
  const digest = choosePlatform(top, name);
  const source = { ...tagged, location: locationOf(name, digest) };
  const chosen = await inspectManifest(context, source);
  if (chosen.digest !== digest) throw mismatch(`the manifest of ${name}`, chosen.digest, digest);
  return foundAs(context, source, chosen, folder);
}

function foundAs(context: Context, source: ImageSource, raw: FoundImage['raw'], folder: string): FoundImage {
  const manifest = parseManifest(raw.text, source.shownAs);
  requireLayers(manifest, source.shownAs);
  return {
    raw,
    manifest,
    config: async () => await inspectConfig(context, source),
    importLayers: async (layers) => await fetchLayers(context, source, layers, join(folder, 'layout')),
  };
}

function locationOf(name: string, digest: string): string {
  const path = name.split('@')[0] ?? '';
  const slash = path.lastIndexOf('/') + 1;
  return `docker://${path.slice(0, slash)}${path.slice(slash).split(':')[0]}@${digest}`;
}
