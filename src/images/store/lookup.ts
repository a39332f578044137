/** Finds stored images by name or id, and says which are missing. */
import type { Context } from '../../context.ts';
import { AtomicError } from '../../errors.ts';
import { parseReference } from '../names/reference.ts';
import { refOf } from '../names/refs.ts';
import { findImage, type LocalImage } from './images.ts';

/** An image as a command line names it. */
export interface ImageLookup {
  /** Its name, or the beginning of its id. */
  readonly image: string;
  /** Whether the person named the storage, which only changes the wording of errors. */
  readonly isStorageNamed: boolean;
}

/**
 * Finds an image of the store.
 *
 * @throws AtomicError when there is none, or several have an id that begins so
 */
export function requireImage(context: Context, lookup: ImageLookup): LocalImage {
  const image = findImage(context, lookup.image);
  if (image === undefined) throw imageNotFound(lookup);
  return image;
}

/** The error for an image that is not in the store. */
export function imageNotFound({ image, isStorageNamed }: ImageLookup): AtomicError {
  const message = isStorageNamed
    ? `Unable to find ${image} in the ostree backend`
    : `Unable to find '${image}' in the following backends: ostree`;
  return new AtomicError(message, { hint: "see 'atomic images list'" });
}

/** Whether an image that was found by `text` was found by its name, not by its id. */
export function isNamedBy({ ref }: LocalImage, text: string): boolean {
  return refOf(parseReference(text)) === ref;
}
