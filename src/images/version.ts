/** `atomic images version`: tells the version of a stored image. */
import type { Context } from '../context.ts';
import { parseReference } from './names/reference.ts';
import { labelsOf, versionIn } from './store/labels.ts';
import { isNamedBy, requireImage } from './store/lookup.ts';

export interface ImageVersion {
  /** As typed, without a transport prefix; absent when the image was found by its id. */
  readonly name?: string;
  readonly version: string;
  readonly id: string;
}

/**
 * Tells the version of an image in the store.
 *
 * @param text its name, or the beginning of its id
 * @throws NotFoundError when it is not there
 */
export function versionOfImage(context: Context, text: string): ImageVersion {
  const image = requireImage(context, text);
  const version = versionIn(labelsOf(context, image)) ?? image.id;
  const name = isNamedBy(image, text) ? { name: parseReference(text).name } : {};
  return { ...name, version, id: image.id };
}
