/** `atomic pull`: imports an image into the repository. */
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context } from '../context.ts';
import { AtomicError, orUndefined } from '../errors.ts';
import { warn } from '../events.ts';
import { faultPoint } from '../faults.ts';
import { type CommitRequest, commitFolder } from '../host/ostree/program.ts';
import { digestOf, type RawManifest } from '../host/skopeo.ts';
import { waitForAll } from '../wait-for-all.ts';
import type { Layer } from './layers/import.ts';
import { PullProgress } from './layers/progress.ts';
import { isLocal, parseReference, type Reference, recordedName } from './names/reference.ts';
import { blobRef, refOf } from './names/refs.ts';
import { writeAuthFile } from './sources/credentials.ts';
import { requireArchitecture } from './sources/platform.ts';
import { mismatch, type PullableImage } from './sources/pullable-image.ts';
import { findInRegistry } from './sources/registry.ts';
import {
  hasConfig,
  hasLayer,
  readConfigText,
  readImage,
  sumOfLayers,
  UNCOMPRESSED_SIZE,
} from './store/images.ts';
import { type Intake, openIntake } from './store/intake.ts';
import { hexOf, type ImageConfig, layersOf, type Manifest, parseImageConfig } from './store/manifest.ts';
import { makeCheckouts, makeRepository } from './store/places.ts';
import { holdForPull, pullFolder } from './store/pulls.ts';

export interface PullRequest {
  /** As typed, with its transport prefix. */
  readonly image: string;
  /** `USER[:PASSWORD]` */
  readonly credentials?: string;
  /** Ask the registry even when the image is here already; what is on this machine is always asked. */
  readonly isUpgrade: boolean;
}

/**
 * Pulls an image. Its ref is made last, so that it never names an incomplete image; layers that have arrived stay,
 * and the next pull goes on with them.
 *
 * @returns the reference to record for later updates
 * @throws AtomicError when the name is malformed, the source refuses, or the content is not what it should be
 */
export async function pullImage(context: Context, request: PullRequest): Promise<{ reference: string }> {
  const typed = parseReference(request.image);
  if (isLocal(typed)) {
    const { locateImage } = await import('./sources/locate.ts');
    const located = await locateImage(context, typed);
    const identity = await located.identity();
    if (identity !== undefined && isCurrent(context, located.reference, identity))
      return { reference: recordedName(located.reference) };
    await obtain(context, located.reference, async (means) => {
      const source = { ...located, shownAs: request.image };
      const { stageImage } = await import('./sources/local.ts');
      return await stageImage(context, source, means);
    });
    return { reference: recordedName(located.reference) };
  }
  if (request.isUpgrade || !isComplete(context, typed)) await download(context, typed, request);
  return { reference: recordedName(typed) };
}

async function download(context: Context, reference: Reference, { credentials }: PullRequest): Promise<void> {
  if (reference.registry === '') {
    const text = `The image \`${reference.name}\` is not fully qualified.  The default registry configured for Skopeo will be used.`;
    warn(context, text);
  }
  await obtain(context, reference, async ({ folder }) => {
    const authFile = credentials ? await writeAuthFile(folder, reference, credentials) : undefined;
    return await findInRegistry(context, reference, { authFile, folder });
  });
}

/** Finds an image with the help of a temporary folder, and imports it unless it is here already. */
async function obtain(
  context: Context,
  reference: Reference,
  find: (means: { folder: string; progress: PullProgress }) => Promise<PullableImage>,
): Promise<void> {
  await makeCheckouts(context);
  await using folder = await pullFolder(context);
  await faultPoint(context, 'pull.begun');
  using progress = new PullProgress(context);
  const found = await find({ folder: folder.path, progress });
  if (!isCurrent(context, reference, found.raw.digest))
    await importImage(context, reference, found, { folder: folder.path, progress });
  progress.finish();
}

/** Whether the image is here with all its layers and its configuration. */
function isComplete(context: Context, reference: Reference): boolean {
  const image = orUndefined(() => readImage(context, refOf(reference)));
  if (image === undefined) return false;
  const { config } = image.manifest;
  const hasItsConfig = config === undefined || hasConfig(context, hexOf(config.digest));
  return hasItsConfig && image.layers.every((hex) => hasLayer(context, hex));
}

/** @param digest of the manifest or of the configuration of what is to be pulled */
function isCurrent(context: Context, reference: Reference, digest: string): boolean {
  const image = orUndefined(() => readImage(context, refOf(reference)));
  const isSame = image?.id === hexOf(digest) || image?.manifest.config?.digest === digest;
  return isSame && isComplete(context, reference);
}

/** Layers and configuration first, the manifest and the image's ref last. */
async function importImage(
  context: Context,
  reference: Reference,
  found: PullableImage,
  { folder, progress }: { folder: string; progress: PullProgress },
): Promise<void> {
  const { manifest } = found;
  const intake = openIntake(context);
  const config = await obtainConfig(context, reference, found);
  const layers = describeLayers(manifest, parseImageConfig(config.text, reference.name));
  const hexes = [hexOf(config.digest), ...layers.map(({ hex }) => hex)];
  await intake.share(async () => {
    await makeRepository(context);
    await holdForPull(folder, hexes);
  });
  await waitForAll([
    found.importLayers(layers, { intake, progress }),
    bringConfig(context, config, { folder, intake }),
  ]);
  await faultPoint(context, 'pull.layers-imported');
  await bringImage(context, reference, found, { folder, intake });
  await faultPoint(context, 'pull.image-committed');
}

/** What commits are made of and with. */
interface Means {
  /** A temporary one. */
  readonly folder: string;
  readonly intake: Intake;
}

/** The manifest, and the ref of the image, once everything else is there. */
async function bringImage(
  context: Context,
  reference: Reference,
  { manifest, raw }: PullableImage,
  means: Means,
): Promise<void> {
  const layers = layersOf(manifest);
  const metadata = {
    'docker.manifest': raw.text,
    'docker.digest': raw.digest,
    signatures: '0',
    [UNCOMPRESSED_SIZE]: String(sumOfLayers(context, layers) ?? ''),
  };
  const ref = refOf(reference);
  await bringText(context, { name: 'manifest.json', text: raw.text, ref, metadata }, means, () => {
    const lost = layers.find((hex) => !hasLayer(context, hex));
    if (lost === undefined) return true;
    throw new AtomicError(`the layer ${lost} has been deleted while ${reference.name} was pulled`, {
      hint: 'pull it again',
    });
  });
  await means.intake.finish(ref);
}

async function obtainConfig(
  context: Context,
  { name }: Reference,
  { manifest, config }: PullableImage,
): Promise<RawManifest> {
  const expected = manifest.config?.digest ?? '';
  const present = orUndefined(() => readConfigText(context, expected));
  const raw = present === undefined ? await config() : { text: present, digest: digestOf(present) };
  if (raw.digest !== expected) throw mismatch(`the configuration of ${name}`, raw.digest, expected);
  requireArchitecture(parseImageConfig(raw.text, name).architecture, name);
  return raw;
}

/** The layers, base first; the uncompressed digests are known only when there are as many as layers. */
function describeLayers(manifest: Manifest, { rootfs }: ImageConfig): readonly Layer[] {
  const hexes = layersOf(manifest);
  const diffIds = rootfs?.diff_ids ?? [];
  return hexes.map((hex, index) => ({
    hex,
    size: manifest.layers?.[index]?.size,
    diffId: diffIds.length === hexes.length ? diffIds[index] : undefined,
  }));
}

async function bringConfig(context: Context, { text, digest }: RawManifest, means: Means): Promise<void> {
  const isWanted = () => !hasConfig(context, hexOf(digest));
  if (!isWanted()) return;
  const metadata = { 'docker.size': String(Buffer.byteLength(text)) };
  await bringText(context, { name: 'content', text, ref: blobRef(hexOf(digest)), metadata }, means, isWanted);
}

/** An argument of a program cannot be longer (execve(2), MAX_ARG_STRLEN); real manifests have a few kilobytes. */
const LONGEST_ARGUMENT = 128 * 1024 - 64;

/** A commit of one file. */
interface TextCommit extends CommitRequest {
  /** Of the file. */
  readonly name: string;
  readonly text: string;
}

async function bringText(
  context: Context,
  { name, text, ref, metadata }: TextCommit,
  { folder, intake }: Means,
  isWanted: () => boolean,
): Promise<void> {
  if (Object.values(metadata).some((value) => Buffer.byteLength(value) > LONGEST_ARGUMENT))
    throw new AtomicError(`cannot pull ${ref}: its manifest is larger than ${LONGEST_ARGUMENT} bytes`);
  const tree = join(folder, name.split('.')[0] ?? name);
  await mkdir(tree, { mode: 0o755 });
  await chmod(tree, 0o755);
  await writeFile(join(tree, name), text, { mode: 0o644 });
  const make = async (staging: string) => await commitFolder(context, staging, tree, { ref, metadata });
  await intake.bring({ ref, make, isWanted });
}
