/** Lists the containers and images of the Docker engine. */
import type { Context } from '../../context.ts';
import { AtomicError } from '../../errors.ts';
import { warn } from '../../events.ts';
import { type Engine, type EngineContainer, type EngineImage, findEngine } from '../../host/docker.ts';

/** All containers of the engine; none without engine. */
export async function engineContainers(context: Context): Promise<readonly EngineContainer[]> {
  return (await askEngine(context, async (engine) => await engine.containers())) ?? [];
}

/** What the engine says of its images. */
export interface EngineImages {
  readonly images: readonly EngineImage[];
  /** The ids of those that somebody can use: the others are parts of these. */
  readonly usable: ReadonlySet<string>;
  /** The ids of those that containers were made from. */
  readonly used: ReadonlySet<string>;
}

/**
 * The images of the engine; `undefined` without engine.
 *
 * @param isAll also those that others were built from
 */
export async function engineImages(
  context: Context,
  { isAll }: { isAll: boolean },
): Promise<EngineImages | undefined> {
  return await askEngine(context, async (engine) => await imagesOf(engine, isAll));
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

/** Whatever is wrong with the engine is worth a warning; our own lists do without. */
async function askEngine<Answer>(
  context: Context,
  question: (engine: Engine) => Promise<Answer>,
): Promise<Answer | undefined> {
  try {
    const engine = await findEngine(context);
    return engine === undefined ? undefined : await question(engine);
  } catch (error) {
    if (!(error instanceof AtomicError)) throw error;
    warn(context, `Skipping containers and images of Docker: ${error.line}`);
    return undefined;
  }
}
