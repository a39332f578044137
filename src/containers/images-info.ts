/** `atomic images info`: shows the labels of an image and the variables of its templates. */
import type { Context } from '../context.ts';
import { fullName, parseReference } from '../images/names/reference.ts';
import { remoteLabels } from '../images/remote-labels.ts';
import { type Labels, labelsOf } from '../images/store/labels.ts';
import { requireImage } from '../images/store/lookup.ts';
import { type ImageVariables, imageVariables } from './lookup/image-variables.ts';

export interface ImageInfo {
  /** With registry and tag, as far as the store knows them. */
  readonly name: string;
  readonly labels: Labels;
  /** Absent for an image in a registry, whose files are not at hand. */
  readonly variables?: ImageVariables;
}

/**
 * Describes an image of the store.
 *
 * @param text its name, or the beginning of its id
 * @throws NotFoundError when it is not there; AtomicError when it or its manifest.json is damaged
 */
export async function describeImage(context: Context, text: string): Promise<ImageInfo> {
  const image = requireImage(context, text);
  return {
    name: image.name,
    labels: labelsOf(context, image),
    variables: await imageVariables(context, image),
  };
}

/** Describes an image in its registry; nothing is pulled. */
export async function describeRemoteImage(context: Context, name: string): Promise<ImageInfo> {
  return { name: fullName(parseReference(name)), labels: await remoteLabels(context, name) };
}
