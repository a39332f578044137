/** `atomic images delete`: deletes images, and names the containers that are based on them. */
import type { Context } from '../context.ts';
import { AtomicError } from '../errors.ts';
import { warn } from '../events.ts';
import { allTargets, deleteEverything, deleteTags, type ImageTarget, targetsFor } from '../images/delete.ts';
import { deployedCommits, recordedDeployments } from './deployments/inventory.ts';

export interface DeleteImagesRequest {
  /** Names, or beginnings of ids. */
  readonly images: readonly string[];
  /** Instead of `images`: all, with their layers. */
  readonly isAll: boolean;
}

/**
 * Deletes images. Containers keep their files, and what a deployment records as its image can be deleted, too.
 *
 * @param confirm asks the person; whatever it throws ends the command before anything has been deleted
 * @throws NotFoundError when one of the images is not there
 */
export async function deleteImages(
  context: Context,
  { images, isAll }: DeleteImagesRequest,
  confirm: (names: readonly string[]) => Promise<void>,
): Promise<void> {
  const targets = isAll ? allTargets(context) : images.flatMap((image) => targetsFor(context, image));
  if (targets.length === 0) throw new AtomicError('No images to delete.');
  warnOfContainers(context, targets);
  await confirm(targets.map(({ shownAs }) => shownAs));
  if (isAll) await deleteEverything(context, targets, deployedCommits(context));
  else await deleteTags(context, targets);
}

function warnOfContainers(context: Context, targets: readonly ImageTarget[]): void {
  const records = recordedDeployments(context);
  for (const { id, shownAs } of targets) {
    const based = records.filter(({ info }) => id !== undefined && info.revision === id);
    for (const container of new Set(based.map((record) => record.container))) {
      const text = `The container '${container}' is based on the image ${shownAs}; the container is not changed`;
      warn(context, text);
    }
  }
}
