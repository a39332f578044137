/** `atomic images tag`: gives a stored image another name. */
import type { Context } from '../context.ts';
import { AtomicError } from '../errors.ts';
import { writeRef } from '../host/ostree/program.ts';
import { parseReference } from './names/reference.ts';
import { refOf } from './names/refs.ts';
import { lockRepository } from './store/lock.ts';
import { requireImage } from './store/lookup.ts';

export interface TagRequest {
  /** The image, by its name or the beginning of its id. */
  readonly source: string;
  /** Its further name, which stops being that of another image. */
  readonly target: string;
}

/**
 * Gives an image another name.
 *
 * @throws NotFoundError when there is no such image; AtomicError when the new name is malformed or a digest
 */
export async function tagImage(context: Context, request: TagRequest): Promise<void> {
  const { source, target } = request;
  const reference = parseReference(target);
  if (reference.digest !== '')
    throw new AtomicError(`cannot tag an image as ${target}: a tag cannot be a digest`);
  await using _lock = await lockRepository(context);
  const image = requireImage(context, source);
  await writeRef(context, context.paths.repository, refOf(reference), image.commit);
}
