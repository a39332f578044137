/** `atomic images list`: lists stored images, and marks those that a container uses. */
import type { Context } from '../context.ts';
import { warn } from '../events.ts';
import type { EngineImage } from '../host/docker.ts';
import { splitTag } from '../images/names/reference.ts';
import { type ImageEntry, listLocalImages, listUntagged } from '../images/store/images.ts';
import { hexOf } from '../images/store/manifest.ts';
import { vulnerableImages } from '../images/store/scan-summary.ts';
import { byCodePoint } from '../order.ts';
import { closedRepository } from '../paths.ts';
import { readSummaries } from './deployments/inventory.ts';
import { type EngineImages, engineImages } from './docker/engine.ts';

const UNTAGGED = '<none>';

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
 * Lists the images, sorted by name, then those of Docker; starts no process.
 *
 * @param isAll also the layers and configurations
 */
export async function listImages(context: Context, { isAll }: { isAll: boolean }): Promise<ImageRow[]> {
  // the engine answers while we read
  const asked = dockerImages(context, isAll);
  const own = ownImages(context, isAll);
  const closed = closedRepository(context.paths);
  if (closed !== undefined)
    warn(context, `the images in ${closed} are not used, because it is read-only: pull them again`);
  return [...own, ...(await asked)];
}

function ownImages(context: Context, isAll: boolean): readonly ImageRow[] {
  const images = [...listLocalImages(context), ...(isAll ? listUntagged(context) : [])];
  const vulnerable = vulnerableImages(context);
  const used = new Set(readSummaries(context).map(({ info }) => info.revision));
  return images.map((entry) => ({
    ...entry,
    backend: 'ostree',
    isUsed: used.has(entry.id),
    isVulnerable: vulnerable.has(entry.id),
    isDangling: false,
  }));
}

async function dockerImages(context: Context, isAll: boolean): Promise<readonly ImageRow[]> {
  const said = await engineImages(context, { isAll });
  if (said === undefined) return [];
  const vulnerable = vulnerableImages(context);
  const rows = said.images.flatMap((image) => imageRows(image, { ...said, vulnerable }));
  const keyOf = ({ repository, tag, id }: ImageRow) => `${repository}\0${tag}\0${id}`;
  return rows.sort((a, b) => byCodePoint(keyOf(a), keyOf(b)));
}

/** The rows of an image, one for each tag; one without when it has none. */
export function imageRows(
  image: EngineImage,
  { usable, used, vulnerable }: Omit<EngineImages, 'images'> & { vulnerable: ReadonlySet<string> },
): readonly ImageRow[] {
  const id = hexOf(image.Id);
  const tags = known(image.RepoTags);
  const row = {
    id,
    created: new Date(image.Created * 1000),
    virtualSize: image.Size,
    backend: 'docker',
    isUsed: used.has(image.Id),
    isVulnerable: vulnerable.has(id),
    isDangling: tags.length === 0 && usable.has(image.Id),
  } as const;
  if (tags.length > 0) return tags.map((tag) => ({ ...row, ...splitTag(tag) }));
  const [digest = ''] = known(image.RepoDigests);
  return [{ ...row, repository: splitTag(digest).repository, tag: '' }];
}

/** An image without a name has none, or one that says so, as the version of the engine has it. */
function known(names: readonly string[] | null | undefined): readonly string[] {
  return names?.filter((name) => !name.startsWith(UNTAGGED)) ?? [];
}
