/** Lists the containers and images of the Docker engine. */

import type { Context } from '../../context.ts';
import { AtomicError } from '../../errors.ts';
import { warn } from '../../events.ts';
import { type Engine, type EngineContainer, type EngineImage, findEngine } from '../../host/docker.ts';
import { splitTag } from '../../images/names/reference.ts';
import { vulnerableImages } from '../../images/store/scan-summary.ts';
import { byCodePoint } from '../../order.ts';
import type { ImageRow } from '../images-list.ts';
import type { ContainerRow } from '../list.ts';

/** As `docker ps` has it: what runs, or would if it were let. */
const RUNNING = ['running', 'paused', 'restarting'];
const UNTAGGED = '<none>';

/** All containers of the engine, sorted by name; none without engine. */
export async function dockerContainers(context: Context): Promise<readonly ContainerRow[]> {
  const containers = await askEngine(context, async (engine) => await engine.containers());
  const vulnerable = containers.length === 0 ? new Set<string>() : vulnerableImages(context);
  return containers.map((container) => containerRow(container, vulnerable)).sort(byKey(({ name }) => name));
}

/** The row of a container; see {@link dockerContainers}. */
export function containerRow(container: EngineContainer, vulnerable: ReadonlySet<string>): ContainerRow {
  const { Id: id, Image: imageName, Command: command, State: state } = container;
  const imageId = hexOf(container.ImageID);
  return {
    id,
    imageId,
    imageName,
    name: nameOf(container),
    command,
    created: new Date(container.Created * 1000),
    state,
    backend: 'docker',
    runtime: 'docker',
    isVulnerable: vulnerable.has(imageId),
    isRunning: RUNNING.includes(state),
  };
}

function nameOf({ Names: names }: EngineContainer): string {
  const own = names?.map((name) => name.slice(1)).filter((name) => !name.includes('/')) ?? [];
  return own[0] ?? '';
}

/**
 * The images of the engine, one row for each tag, sorted by name; none without engine.
 *
 * @param isAll also those that others were built from
 */
export async function dockerImages(
  context: Context,
  { isAll }: { isAll: boolean },
): Promise<readonly ImageRow[]> {
  const answers = await askEngine(context, async (engine) => [await imagesOf(engine, isAll)]);
  return answers.flatMap(({ images, usable, used }) => {
    const vulnerable = vulnerableImages(context);
    const rows = images.flatMap((image) => imageRows(image, { usable, used, vulnerable }));
    return rows.sort(byKey(({ repository, tag, id }) => `${repository}\0${tag}\0${id}`));
  });
}

/** What the engine says of its images. */
interface EngineImages {
  readonly images: readonly EngineImage[];
  /** The ids of those that somebody can use: the others are parts of these. */
  readonly usable: ReadonlySet<string>;
  /** The ids of those that containers were made from. */
  readonly used: ReadonlySet<string>;
}

async function imagesOf(engine: Engine, isAll: boolean): Promise<EngineImages> {
  const [images, all, containers] = await Promise.all([
    engine.images(false),
    isAll ? engine.images(true) : undefined,
    engine.containers(),
  ]);
  return {
    images: all ?? images,
    usable: new Set(images.map(({ Id }) => Id)),
    used: new Set(containers.map(({ ImageID }) => ImageID)),
  };
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

function hexOf(id: string): string {
  return id.replace(/^sha256:/, '');
}

function byKey<Row>(keyOf: (row: Row) => string): (a: Row, b: Row) => number {
  return (a, b) => byCodePoint(keyOf(a), keyOf(b));
}

/** Whatever is wrong with the engine is worth a warning; our own lists do without. */
async function askEngine<Item>(
  context: Context,
  question: (engine: Engine) => Promise<readonly Item[]>,
): Promise<readonly Item[]> {
  try {
    const engine = await findEngine(context);
    return engine === undefined ? [] : await question(engine);
  } catch (error) {
    if (!(error instanceof AtomicError)) throw error;
    warn(context, `Skipping containers and images of Docker: ${error.line}`);
    return [];
  }
}
