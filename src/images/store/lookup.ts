/** Finds stored images by name or id, and says which are missing. */
import type { Context } from '../../context.ts';
import { NotFoundError } from '../../errors.ts';
import { parseReference } from '../names/reference.ts';
import { refOf } from '../names/refs.ts';
import { findImage, type LocalImage } from './images.ts';

/**
 * Finds an image of the store.
 *
 * @param text its name, or the beginning of its id
 * @throws NotFoundError when there is none; AtomicError when several have an id that begins so
 */
export function requireImage(context: Context, text: string): LocalImage {
  const image = findImage(context, text);
  if (image !== undefined) return image;
  const hint = "see 'atomic images list'";
  throw new NotFoundError(text, `Unable to find '${text}' in the following backends: ostree`, { hint });
}

/** Whether an image that was found by `text` was found by its name, not by its id. */
export function isNamedBy({ ref }: LocalImage, text: string): boolean {
  return refOf(parseReference(text)) === ref;
}
