/** Deletes the refs of images; pruning the store frees their space. */
import type { Context } from '../context.ts';
import { orUndefined } from '../errors.ts';
import { deleteRefs } from '../host/ostree/program.ts';
import { listRefs } from '../host/ostree/refs.ts';
import { parseReference } from './names/reference.ts';
import { blobRef, decodeRef, isBlobName, REF_FOLDER, refOf } from './names/refs.ts';
import { readImage, tagNames, tagsOf } from './store/images.ts';
import { lockRepository } from './store/lock.ts';
import { requireImage } from './store/lookup.ts';
import { blobsOfPulls } from './store/pulls.ts';
import { blobsOfCommits } from './store/reachable.ts';

/** A ref that is to be deleted. */
export interface ImageTarget {
  readonly ref: string;
  /** As the person is asked about it: the name as typed, or the id. */
  readonly shownAs: string;
  /** Unknown when the image is damaged. */
  readonly id: string | undefined;
}

/**
 * What deleting an image by its name, or by the beginning of its id, deletes: by id, that is every tag of it. An
 * image need not be readable to be deleted.
 *
 * @throws NotFoundError when there is no such image
 */
export function targetsFor(context: Context, text: string): readonly ImageTarget[] {
  const ref = refOf(parseReference(text));
  if (tagNames(context).includes(ref.slice(REF_FOLDER.length + 1)))
    return [{ ref, shownAs: text, id: idOf(context, ref) }];
  const { id } = requireImage(context, text);
  const tags = tagsOf(context, id);
  const [only, ...others] = tags;
  if (only !== undefined && others.length === 0) return [{ ref: only.ref, shownAs: id.slice(0, 12), id }];
  return tags.map((tag) => ({ ref: tag.ref, shownAs: tag.name, id }));
}

/** Every tagged image. */
export function allTargets(context: Context): readonly ImageTarget[] {
  return tagNames(context).map((name) => {
    const ref = `${REF_FOLDER}/${name}`;
    return { ref, shownAs: decodeRef(name), id: idOf(context, ref) };
  });
}

function idOf(context: Context, ref: string): string | undefined {
  return orUndefined(() => readImage(context, ref))?.id;
}

/** Deletes these tags, and nothing else. */
export async function deleteTags(context: Context, targets: readonly ImageTarget[]): Promise<void> {
  await using _lock = await lockRepository(context);
  await deleteRefs(context, context.paths.repository, [...new Set(targets.map(({ ref }) => ref))]);
}

/**
 * Deletes these tags, and the layers and configurations of all images.
 *
 * @param deployed the commits of images that a deployment may still need: what they consist of stays
 */
export async function deleteEverything(
  context: Context,
  targets: readonly ImageTarget[],
  deployed: Iterable<string>,
): Promise<void> {
  await using _lock = await lockRepository(context);
  const { repository } = context.paths;
  const needed = new Set([...blobsOfCommits(context, deployed), ...blobsOfPulls(context)]);
  const blobs = listRefs(repository, REF_FOLDER).filter((name) => isBlobName(name) && !needed.has(name));
  await deleteRefs(context, repository, [...targets.map(({ ref }) => ref), ...blobs.map(blobRef)]);
}
