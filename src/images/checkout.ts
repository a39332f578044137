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
  image: Pick<LocalImage, 'commit' | 'layers'>,
  folder: string,
  { isWritable = false } = {},
): Promise<void> {
  const { repository } = context.paths;
  for (const hex of image.layers) {
    if (resolveRef(repository, blobRef(hex)) === undefined)
      throw new AtomicError(`Layer not found: ${hex}.  Please pull the image again`);
  }
  // compat: what has no manifest is its own and only layer
  const refs = image.layers.length > 0 ? image.layers.map(blobRef) : [image.commit];
  const listFile = `${folder}.layers`;
  await checkoutUnion(context, repository, { refs, folder, listFile, isWritable });
  await rm(listFile);
}
