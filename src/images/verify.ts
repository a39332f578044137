/** `atomic images verify`: compares images with their registries and with their checksums. */
import type { Context } from '../context.ts';
import { ifPossible, isFailure, lineOf, orUndefined } from '../errors.ts';
import { warn } from '../events.ts';
import { parseName, parseReference, type Reference } from './names/reference.ts';
import { blobRef, decodeRef, REF_FOLDER } from './names/refs.ts';
import { type LocalImage, readImage, tagNames } from './store/images.ts';
import { isNamedBy, requireImage } from './store/lookup.ts';
import { hexOf } from './store/manifest.ts';
import { type Compared, compareWithRegistry } from './verification/compare.ts';
import { verifyContent } from './verification/content.ts';

export interface VerifyRequest {
  /** Its name, with a transport prefix if need be, or the beginning of its id; absent: all images. */
  readonly image?: string;
  /** Whether to check the content, too. */
  readonly checksContent: boolean;
}

export interface Verification {
  readonly name: string;
  /** Empty when there was nothing to compare with; a warning has said why. */
  readonly comparison: readonly Compared[];
  /** Empty when the content was not checked. */
  readonly parts: readonly VerifiedPart[];
  /** Whether the image is what its registry has, and undamaged, as far as that was to be found out. */
  readonly isSound: boolean;
}

/** One commit of an image. */
export interface VerifiedPart {
  /** Such as `layer HEX`. */
  readonly name: string;
  /** What is wrong, a line each. */
  readonly damages: readonly string[];
}

/**
 * Verifies an image, or all of them. Of all images, those without a registry in their name are not compared: nobody
 * said that they came from one.
 *
 * @throws AtomicError when the image is not there, or cannot be read
 */
export async function verifyImages(
  context: Context,
  request: VerifyRequest,
): Promise<readonly Verification[]> {
  const subjects = request.image === undefined ? allSubjects(context) : [subjectFor(context, request.image)];
  const refs = subjects.flatMap(({ image }) => (image ? partsOf(image).map(({ ref }) => ref) : []));
  const damages = request.checksContent ? await verifyContent(context, refs) : undefined;
  const verifications: Verification[] = [];
  for (const subject of subjects) verifications.push(await verify(context, subject, damages));
  return verifications;
}

interface Subject {
  readonly name: string;
  /** Absent when it is too damaged to be read. */
  readonly image?: LocalImage;
  /** Its name in its registry; absent when it is not to be compared. */
  readonly source?: Reference;
}

function subjectFor(context: Context, text: string): Subject {
  const image = requireImage(context, text);
  const source = isNamedBy(image, text) ? parseReference(text) : parseName(image.name);
  return { name: source.name, image, source };
}

function allSubjects(context: Context): readonly Subject[] {
  return tagNames(context).map((encoded) => {
    const name = decodeRef(encoded);
    const image = ifPossible(
      () => readImage(context, `${REF_FOLDER}/${encoded}`),
      (error) => warn(context, `Image '${name}' is damaged: ${lineOf(error)}`),
    );
    const source = orUndefined(() => parseName(name));
    return { name, ...(image && { image }), ...(source?.registry && { source }) };
  });
}

async function verify(
  context: Context,
  { name, image, source }: Subject,
  damages: ReadonlyMap<string, readonly string[]> | undefined,
): Promise<Verification> {
  if (image === undefined) return { name, comparison: [], parts: [], isSound: false };
  const comparison = await compareOrWarn(context, image, source);
  const parts =
    damages === undefined
      ? []
      : partsOf(image).map((part) => ({ name: part.name, damages: damages.get(part.ref) ?? [] }));
  const isCurrent =
    source === undefined || (comparison.length > 0 && !comparison.some(({ isDifferent }) => isDifferent));
  return { name, comparison, parts, isSound: isCurrent && parts.every((part) => part.damages.length === 0) };
}

async function compareOrWarn(
  context: Context,
  image: LocalImage,
  source: Reference | undefined,
): Promise<readonly Compared[]> {
  if (source === undefined) {
    warn(context, `Image ${image.name} not fully qualified: it is not compared with a registry`);
    return [];
  }
  try {
    return await compareWithRegistry(context, image, source);
  } catch (error) {
    if (!isFailure(error)) throw error;
    warn(context, lineOf(error));
    return [];
  }
}

/** The commits that an image is made of, its layers first. */
function partsOf({ layers, manifest, ref, id }: LocalImage): readonly { name: string; ref: string }[] {
  const config = manifest.config && hexOf(manifest.config.digest);
  return [
    ...[...new Set(layers)].map((hex) => ({ name: `layer ${hex}`, ref: blobRef(hex) })),
    ...(config === undefined ? [] : [{ name: `configuration ${config}`, ref: blobRef(config) }]),
    { name: `manifest ${id}`, ref },
  ];
}
