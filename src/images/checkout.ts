/** From an image to a root file system. */
import { rm } from 'node:fs/promises';
import type { Context } from '../context.ts';
import { AtomicError } from '../errors.ts';
import { checkoutUnion } from '../host/ostree.ts';
import { resolveRef } from '../host/ostree-repository.ts';
import { blobRef } from './reference.ts';
import type { LocalImage } from './store.ts';

/**
 * Merges the layers of an image into `folder`, which has to exist, on the file system of the repository: with one
 * process, however many layers there are.
 *
 * @throws AtomicError when a layer is missing
 */
export async function checkoutImage(
  context: Context,
  image: LayeredImage,
  folder: string,
  { isWritable = false } = {},
): Promise<void> {
  const listFile = `${folder}.layers`;
  const refs = layerRefs(context, image);
  await checkoutUnion(context, context.paths.repository, { refs, folder, listFile, isWritable });
  await rm(listFile);
}

/** What of an image a checkout needs. */
export type LayeredImage = Pick<LocalImage, 'commit' | 'layers'>;

/**
 * The refs and commits whose trees, laid over one another, are the image, base first.
 *
 * @throws AtomicError when a layer is missing
 */
export function layerRefs({ paths }: Context, image: LayeredImage): readonly string[] {
  for (const hex of image.layers) {
    if (resolveRef(paths.repository, blobRef(hex)) === undefined)
      throw new AtomicError(`Layer not found: ${hex}.  Please pull the image again`);
  }
  // compat: what has no manifest is its own and only layer
  return image.layers.length > 0 ? image.layers.map(blobRef) : [image.commit];
}
