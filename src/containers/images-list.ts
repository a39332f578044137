/** `atomic images list`: lists stored images, and marks those that a container uses. */
import type { Context } from '../context.ts';
import { type ImageEntry, listLocalImages, listUntagged } from '../images/store/images.ts';
import { vulnerableImages } from '../images/store/scan-summary.ts';
import { readDeployments } from './deployments/inventory.ts';
import { dockerImages } from './docker/engine.ts';

/** One image as the listings show it; `repository` and `tag` are empty for layers and configurations. */
export interface ImageRow extends ImageEntry {
  readonly backend: 'ostree' | 'docker';
  /** A container was installed from exactly this image. */
  readonly isUsed: boolean;
  readonly isVulnerable: boolean;
  /** No tag holds it, and no image is based on it; never so for OSTree, where such are pruned. */
  readonly isDangling: boolean;
}

/**
 * Lists the images, sorted by name, those of Docker behind ours; starts no process.
 *
 * @param isAll also the layers and configurations
 */
export async function listImages(context: Context, { isAll }: { isAll: boolean }): Promise<ImageRow[]> {
  const others = await dockerImages(context, { isAll });
  return [...ownImages(context, isAll), ...others];
}

function ownImages(context: Context, isAll: boolean): readonly ImageRow[] {
  const images = [...listLocalImages(context), ...(isAll ? listUntagged(context) : [])];
  const vulnerable = vulnerableImages(context);
  const used = new Set(readDeployments(context).map(({ info }) => info.revision));
  return images.map((entry) => ({
    ...entry,
    backend: 'ostree',
    isUsed: used.has(entry.id),
    isVulnerable: vulnerable.has(entry.id),
    isDangling: false,
  }));
}
