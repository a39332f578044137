/** Compares a local image with what its registry has under the same tag. */
import type { Context } from '../../context.ts';
import type { Reference } from '../names/reference.ts';
import { fetchLabels, fetchManifest, registryImage } from '../sources/registry.ts';
import type { LocalImage } from '../store/images.ts';
import { labelsOf, versionIn } from '../store/labels.ts';
import { hexOf, layersOf } from '../store/manifest.ts';

/** A line of the comparison: the image as a whole, or one of its layers; '' for a layer that one side lacks. */
export interface Compared {
  readonly name: string;
  readonly local: string;
  readonly remote: string;
  readonly isDifferent: boolean;
}

/**
 * Compares an image with the current one of the same tag in its registry: the whole first, then layer by layer, base
 * first. The manifests may differ in form, as the Python tool converts those of the OCI, when what they describe is the
 * same.
 *
 * @param reference its name in the registry
 * @throws AtomicError when the registry does not answer, or has no such image
 */
export async function compareWithRegistry(
  context: Context,
  image: LocalImage,
  reference: Reference,
): Promise<readonly Compared[]> {
  const { raw, manifest, source } = await fetchManifest(context, registryImage(reference, 'inspect'));
  const local = versionIn(labelsOf(context, image)) ?? image.id;
  const layers = compareLayers(image.layers, layersOf(manifest));
  const hasSameConfig = image.manifest.config?.digest === manifest.config?.digest;
  const isDifferent = !hasSameConfig || layers.some((layer) => layer.isDifferent);
  const id = hexOf(raw.digest);
  const shown = { name: reference.name, local };
  if (image.id === id) return [{ ...shown, remote: local, isDifferent: false }, ...layers];
  const remote = versionIn(await fetchLabels(context, source)) ?? id;
  return [{ ...shown, remote, isDifferent }, ...layers];
}

function compareLayers(local: readonly string[], remote: readonly string[]): readonly Compared[] {
  return Array.from({ length: Math.max(local.length, remote.length) }, (_, index) => {
    const [ours = '', theirs = ''] = [local[index], remote[index]];
    return { name: `layer ${index + 1}`, local: ours, remote: theirs, isDifferent: ours !== theirs };
  });
}
