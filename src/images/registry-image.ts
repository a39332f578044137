/** Images in registries. */
import { join } from 'node:path';
import type { Context } from '../context.ts';
import { inspectConfig } from '../host/skopeo.ts';
import { fetchLayers } from './fetch-layers.ts';
import type { FoundImage } from './found-image.ts';
import type { Reference } from './reference.ts';
import { fetchManifest, registryImage } from './registry.ts';

export interface RegistryAccess {
  /** A file in the format of containers-auth.json(5). */
  readonly authFile: string | undefined;
  /** An empty temporary one, for the layers. */
  readonly folder: string;
}

/**
 * Fetches the manifest of an image; all else can then be had by digest.
 *
 * @throws AtomicError when the registry refuses, or has no such image for this machine
 */
export async function findInRegistry(
  context: Context,
  reference: Reference,
  { authFile, folder }: RegistryAccess,
): Promise<FoundImage> {
  const tagged = { ...registryImage(reference, 'pull'), authFile };
  const { raw, manifest, source } = await fetchManifest(context, reference, tagged);
  return {
    raw,
    manifest,
    config: async () => await inspectConfig(context, source),
    importLayers: async (layers) => await fetchLayers(context, source, layers, join(folder, 'layout')),
  };
}
