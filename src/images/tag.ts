/** `atomic images tag`: gives a stored image another name. */
import type { Context } from '../context.ts';
import { AtomicError } from '../errors.ts';
import { writeRef } from '../host/ostree/program.ts';
import { parseReference } from './names/reference.ts';
import { refOf } from './names/refs.ts';
import { findImage } from './store/images.ts';
import { lockRepository } from './store/lock.ts';
import { imageNotFound } from './store/lookup.ts';

export interface TagRequest {
  /** The image, by its name or the beginning of its id. */
  readonly source: string;
  /** Its further name, which stops being that of another image. */
  readonly target: string;
  readonly isStorageNamed: boolean;
}

/**
 * Gives an image another name.
 *
 * @throws AtomicError when there is no such image, or the new name is malformed or a digest
 */
export async function tagImage(context: Context, request: TagRequest): Promise<void> {
  const { source, target, isStorageNamed } = request;
  const reference = parseReference(target);
  if (reference.digest !== '')
    throw new AtomicError(`cannot tag an image as ${target}: a digest names its content`);
  await using _lock = await lockRepository(context);
  const image = findImage(context, source);
  if (image === undefined) {
    throw isStorageNamed
      ? new AtomicError(`Cannot find image ${source}.`)
      : imageNotFound({ image: source, isStorageNamed });
  }
  await writeRef(context, context.paths.repository, refOf(reference), image.commit);
}
