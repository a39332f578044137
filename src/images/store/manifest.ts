/** Parses image manifests and configurations, in the forms that registries and old tools left in repositories. */
import * as z from 'zod';
import { AtomicError } from '../../errors.ts';
import { type JsonProblem, parseJson } from '../../json.ts';

/** Checked to the last digit: the digest ends up in a path. */
const Digest = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'expected a sha256 digest');

const Descriptor = z.looseObject({
  digest: Digest,
  mediaType: z.string().optional(),
  size: z.number().int().nonnegative().optional(),
});

const LabelMap = z.record(z.string(), z.string()).nullish();
const Annotations = z.record(z.string(), z.string()).nullish();

/** https://github.com/opencontainers/image-spec/blob/main/manifest.md and Docker's schema 1 and 2. */
const Manifest = z.looseObject({
  mediaType: z.string().optional(),
  fsLayers: z.array(z.looseObject({ blobSum: Digest })).optional(),
  layers: z.array(Descriptor).optional(),
  /** compat: a document of `skopeo inspect`, as very old tools stored it. */
  Layers: z.array(Digest).optional(),
  Digest: z.string().optional(),
  Labels: LabelMap,
  config: Descriptor.optional(),
  annotations: Annotations,
  history: z.array(z.looseObject({ v1Compatibility: z.string().optional() })).optional(),
  manifests: z
    .array(
      z.looseObject({
        digest: Digest,
        annotations: Annotations,
        platform: z
          .looseObject({ os: z.string(), architecture: z.string(), variant: z.string().optional() })
          .optional(),
      }),
    )
    .optional(),
});

export type Manifest = z.infer<typeof Manifest>;

/** https://github.com/opencontainers/image-spec/blob/main/config.md */
const ImageConfig = z.looseObject({
  architecture: z.string().optional(),
  os: z.string().optional(),
  config: z.looseObject({ Labels: LabelMap }).nullish(),
  rootfs: z.looseObject({ diff_ids: z.array(Digest).optional() }).optional(),
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

const HistoryEntry = z.looseObject({ container_config: z.looseObject({ Labels: LabelMap }).nullish() });

function historyLabels(text: string | undefined): Readonly<Record<string, string>> {
  try {
    return HistoryEntry.parse(JSON.parse(text ?? '{}')).container_config?.Labels ?? {};
  } catch (error) {
    if (error instanceof z.ZodError || error instanceof SyntaxError) return {};
    throw error;
  }
}
