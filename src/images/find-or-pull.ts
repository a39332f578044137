/** Finds an image in the store, or pulls it. */
import type { Context } from '../context.ts';
import { AtomicError } from '../errors.ts';
import { parseReference } from './names/reference.ts';
import { refOf } from './names/refs.ts';
import { pullImage } from './pull.ts';
import { findImage, type LocalImage } from './store/images.ts';

/** An image of the store, and the reference under which later updates look for it. */
export interface StoredImage {
  readonly reference: string;
  readonly image: LocalImage;
}

/**
 * The image from the store, also by the beginning of its id; pulled first when it is not there.
 *
 * @throws AtomicError when it cannot be pulled
 */
export async function findOrPullImage(context: Context, text: string): Promise<StoredImage> {
  const local = findImage(context, text);
  if (local !== undefined && local.ref !== refOf(parseReference(text)))
    return { reference: local.name, image: local };
  const { reference } = await pullImage(context, { image: text, isUpgrade: false });
  const image = findImage(context, reference);
  if (image === undefined) throw new AtomicError(`Image ${text} not found`);
  return { reference, image };
}
