/** Marks images for deletion in their registries. */
import type { Context } from '../context.ts';
import { ToolError } from '../errors.ts';
import { note, warn } from '../events.ts';
import { deleteFromRegistry, reasonOf } from '../host/skopeo.ts';
import { parseReference } from './names/reference.ts';
import { registryImage } from './sources/registry.ts';

/**
 * Marks images for deletion in their registries, one after the other; the store is not looked at.
 *
 * @returns whether all could be marked; a warning says why one could not
 * @throws AtomicError for a malformed name
 */
export async function deleteRemoteImages(context: Context, names: readonly string[]): Promise<boolean> {
  const images = names.map((name) => registryImage(parseReference(name), 'delete'));
  let isComplete = true;
  for (const image of images) {
    const shown = `Image ${image.location}`;
    try {
      await deleteFromRegistry(context, image);
      note(context, `${shown} marked for deletion`);
    } catch (error) {
      if (!(error instanceof ToolError)) throw error;
      const reason = reasonOf(error.failure.stderr) ?? error.message;
      const text = `Failed to mark ${shown} for deletion: ${reason}`;
      warn(context, text);
      isComplete = false;
    }
  }
  return isComplete;
}
