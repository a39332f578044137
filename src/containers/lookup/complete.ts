/** `atomic __complete`: the names that a shell offers while somebody types. Reads only, starts no program, and loads what it needs. */
import type { Context } from '../../context.ts';
import { containerOf, installedPath } from '../deployments/container.ts';
import { allFolders } from '../deployments/inventory.ts';
import { isContainerName } from '../deployments/name.ts';

/**
 * Lists what can stand in some place of a command line.
 *
 * @param kind `containers`, `images`, `names` (of both), or `variables`; there is nothing of any other kind
 * @param words for variables: words typed so far, one of which names the container or the image
 */
export async function completionsOf(
  context: Context,
  kind: string,
  words: readonly string[],
): Promise<readonly string[]> {
  return (await namesOf(context, kind, words)).filter((name) => PLAIN.test(name));
}

/** What means nothing to a shell: an image decides how its variables are called. */
const PLAIN = /^[\w.:@/=-]+$/;

async function namesOf(context: Context, kind: string, words: readonly string[]): Promise<readonly string[]> {
  const containers = () => allFolders(context).map(([name]) => name);
  const images = async () => {
    const { tagNames } = await import('../../images/store/images.ts');
    const { decodeRef } = await import('../../images/names/refs.ts');
    return tagNames(context).map(decodeRef);
  };
  switch (kind) {
    case 'containers':
      return containers();
    case 'images':
      return await images();
    case 'names':
      return [...containers(), ...(await images())];
    case 'variables':
      return await variablesOf(context, words);
    default:
      return [];
  }
}

/** `VAR=` for each variable of the image that a word names, or of the container's image. */
async function variablesOf(context: Context, words: readonly string[]): Promise<readonly string[]> {
  const { findImage } = await import('../../images/store/images.ts');
  const { imageVariables, SET_BY_OS } = await import('./image-variables.ts');
  const { readDeployment } = await import('../deployments/deployment.ts');
  for (const word of words.toReversed()) {
    if (word.startsWith('-')) continue;
    try {
      const path = pathOf(context, word);
      const name = path === undefined ? word : readDeployment(word, path).info.image;
      const image = findImage(context, name ?? word);
      if (image === undefined) continue;
      const { required, defaults } = await imageVariables(context, image);
      const optional = Object.keys(defaults).filter((name) => defaults[name] !== SET_BY_OS);
      return [...required, ...optional.sort()].map((name) => `${name}=`);
    } catch {
      // most words name no image
    }
  }
  return [];
}

/** The active deployment of the container of this name; `undefined` when there is no such container. */
function pathOf(context: Context, name: string): string | undefined {
  return isContainerName(name) ? installedPath(containerOf(context, name)) : undefined;
}
