/** Parses image manifests and configurations, in the forms that registries and old tools left in repositories. */
import * as z from 'zod/mini';
import { $ZodError } from 'zod/v4/core';
import { AtomicError } from '../../errors.ts';
import { type JsonProblem, parseJson } from '../../json.ts';

/** Checked to the last digit: the digest ends up in a path. */
const Digest = z.string().check(z.regex(/^sha256:[0-9a-f]{64}$/, 'expected a sha256 digest'));

const Descriptor = z.looseObject({
  digest: Digest,
  mediaType: z.optional(z.string()),
  size: z.optional(z.int().check(z.nonnegative())),
});

const LabelMap = z.nullish(z.record(z.string(), z.string()));
const Annotations = z.nullish(z.record(z.string(), z.string()));

/** https://github.com/opencontainers/image-spec/blob/main/manifest.md and Docker's schema 1 and 2. */
const Manifest = z.looseObject({
  mediaType: z.optional(z.string()),
  fsLayers: z.optional(z.array(z.looseObject({ blobSum: Digest }))),
  layers: z.optional(z.array(Descriptor)),
  /** compat: a document of `skopeo inspect`, as very old tools stored it. */
  Layers: z.optional(z.array(Digest)),
  Digest: z.optional(z.string()),
  Labels: LabelMap,
  config: z.optional(Descriptor),
  annotations: Annotations,
  history: z.optional(z.array(z.looseObject({ v1Compatibility: z.optional(z.string()) }))),
  manifests: z.optional(
    z.array(
      z.looseObject({
        digest: Digest,
        annotations: Annotations,
        platform: z.optional(
          z.looseObject({ os: z.string(), architecture: z.string(), variant: z.optional(z.string()) }),
        ),
      }),
    ),
  ),
});

export type Manifest = z.infer<typeof Manifest>;

/** https://github.com/opencontainers/image-spec/blob/main/config.md */
const ImageConfig = z.looseObject({
  architecture: z.optional(z.string()),
  os: z.optional(z.string()),
  config: z.nullish(z.looseObject({ Labels: LabelMap })),
  rootfs: z.optional(z.looseObject({ diff_ids: z.optional(z.array(Digest)) })),
});

export type ImageConfig = z.infer<typeof ImageConfig>;

/**
 * Parses a manifest.
 *
 * @param owner what it belongs to, for messages
 * @throws AtomicError when it is not one
 */
export function parseManifest(text: string, owner: string): Manifest {
  return parseJson(Manifest, text, documentError(`the manifest of ${owner}`));
}

/** Parses an image configuration; see {@link parseManifest}. */
export function parseImageConfig(text: string, owner: string): ImageConfig {
  return parseJson(ImageConfig, text, documentError(`the configuration of ${owner}`));
}

/**
 * Makes the error of a document that an image or a registry brought, for `parseJson`.
 *
 * @param what what it is, for messages
 */
export function documentError(what: string): (problem: JsonProblem) => AtomicError {
  return ({ reason, isJson, cause }) =>
    new AtomicError(`${what} is not ${isJson ? 'valid' : 'JSON'}: ${reason}`, { cause });
}

/** The layers as hex digests, base first. */
export function layersOf({ fsLayers, layers, Layers }: Manifest): readonly string[] {
  if (fsLayers && fsLayers.length > 0) return fsLayers.map(({ blobSum }) => hexOf(blobSum)).reverse();
  return (layers?.map(({ digest }) => digest) ?? Layers ?? []).map(hexOf);
}

/** The name that whoever wrote a layout gave to an image in it: a tag only, or a full name. */
export function annotatedName({ annotations }: Pick<Manifest, 'annotations'>): string | undefined {
  return annotations?.['org.opencontainers.image.ref.name'];
}

/** `sha256:<hex>` without its prefix. */
export function hexOf(digest: string): string {
  return digest.replace(/^sha256:/, '');
}

/** The labels that stand in the manifest itself; newer history wins over older (schema 1 lists the newest first). */
export function manifestLabels({ Labels, history }: Manifest): Readonly<Record<string, string>> {
  if (Labels) return Labels;
  const generations = (history ?? []).map(({ v1Compatibility }) => historyLabels(v1Compatibility)).reverse();
  return Object.assign({}, ...generations);
}

const HistoryEntry = z.looseObject({ container_config: z.nullish(z.looseObject({ Labels: LabelMap })) });

function historyLabels(text: string | undefined): Readonly<Record<string, string>> {
  try {
    return HistoryEntry.parse(JSON.parse(text ?? '{}')).container_config?.Labels ?? {};
  } catch (error) {
    if (error instanceof $ZodError || error instanceof SyntaxError) return {};
    throw error;
  }
}
