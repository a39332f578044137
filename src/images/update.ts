/** `atomic images update`: pulls images again under the names that they have. */
import type { Context } from '../context.ts';
import { AtomicError, isFailure, lineOf, orUndefined } from '../errors.ts';
import { note, warn } from '../events.ts';
import { parseName, recordedName } from './names/reference.ts';
import { pullImage } from './pull.ts';
import { findImage, type LocalImage, listTaggedImages, readImage } from './store/images.ts';
import { isNamedBy } from './store/lookup.ts';

/**
 * Pulls the current version of an image that is here; one that is current is not fetched again.
 *
 * @param image its name, with a transport prefix if need be, or the beginning of its id
 * @throws AtomicError when it is not here, or cannot be pulled
 */
export async function updateImage(context: Context, image: string): Promise<void> {
  const found = findImage(context, image);
  if (found === undefined) throw new AtomicError(`${image} not found locally.  Unable to update`);
  const name = isNamedBy(found, image) ? image : recordedName(parseName(found.name));
  await pullImage(context, { image: name, isUpgrade: true });
}

/** What became of one of all images. */
export interface UpdatedImage {
  readonly name: string;
  readonly idBefore: string;
  readonly idAfter: string;
  readonly outcome: 'failed' | 'newer' | 'current';
}

/**
 * Pulls the current versions of all images, sorted by name; a warning says why one could not be. Those whose name
 * has no registry are skipped.
 */
export async function updateAllImages(context: Context): Promise<readonly UpdatedImage[]> {
  const updated: UpdatedImage[] = [];
  for (const image of listTaggedImages(context)) {
    const reference = orUndefined(() => parseName(image.name));
    if (!reference?.registry) {
      warn(context, `Image ${image.name} not fully qualified: skipping`);
      continue;
    }
    note(context, `Checking image ${image.name}...`);
    updated.push(await updateOne(context, image, recordedName(reference)));
  }
  return updated;
}

async function updateOne(
  context: Context,
  { name, ref, id }: LocalImage,
  image: string,
): Promise<UpdatedImage> {
  try {
    await pullImage(context, { image, isUpgrade: true });
    const idAfter = readImage(context, ref)?.id ?? '';
    return { name, idBefore: id, idAfter, outcome: idAfter === id ? 'current' : 'newer' };
  } catch (error) {
    if (!isFailure(error)) throw error;
    warn(context, lineOf(error));
    return { name, idBefore: id, idAfter: id, outcome: 'failed' };
  }
}
