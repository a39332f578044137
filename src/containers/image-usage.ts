/** The images of the store, with what the containers of this host make of them. */
import type { Context } from '../context.ts';
import { vulnerableImages } from '../images/scan-summary.ts';
import { type ImageEntry, listLocalImages, listUntagged } from '../images/store.ts';
import { readDeployments } from './list.ts';

/** One image as the listings show it; `repository` and `tag` are empty for layers and configurations. */
export interface ImageRow extends ImageEntry {
  /** A container was installed from exactly this image. */
  readonly isUsed: boolean;
  readonly isVulnerable: boolean;
  /** Never so for OSTree: what no tag holds is pruned. */
  readonly isDangling: boolean;
}

/**
 * Lists the images, sorted by name; starts no process.
 *
 * @param isAll also the layers and configurations
 */
export function listImages(context: Context, { isAll }: { isAll: boolean }): ImageRow[] {
  const images = [...listLocalImages(context), ...(isAll ? listUntagged(context) : [])];
  const vulnerable = vulnerableImages(context);
  const used = new Set(readDeployments(context).map(({ info }) => info.revision));
  return images.map((entry) => ({
    ...entry,
    isUsed: used.has(entry.id),
    isVulnerable: vulnerable.has(entry.id),
    isDangling: false,
  }));
}
