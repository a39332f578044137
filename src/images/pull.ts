/** `atomic pull`: an image from a registry into the repository. */
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context } from '../context.ts';
import { AtomicError } from '../errors.ts';
import { takeLock } from '../host/lock.ts';
import { commitFolder, initRepository } from '../host/ostree.ts';
import { isRepository } from '../host/ostree-repository.ts';
import {
  digestOf,
  inspectConfig,
  inspectManifest,
  type RawManifest,
  type RegistryImage,
} from '../host/skopeo.ts';
import { temporaryFolder } from '../host/temporary-folder.ts';
import { together } from '../together.ts';
import { writeAuthFile } from './credentials.ts';
import { fetchLayers } from './fetch-layers.ts';
import {
  hexOf,
  type ImageConfig,
  layersOf,
  type Manifest,
  parseImageConfig,
  parseManifest,
} from './manifest.ts';
import { choosePlatform, requireArchitecture } from './platform.ts';
import { blobRef, parseReference, type Reference, refOf } from './reference.ts';
import { repositoryLock } from './repository-lock.ts';
import { hasConfig, hasLayer, readConfigText, readImage } from './store.ts';

export interface PullRequest {
  /** As typed, with its transport prefix. */
  readonly image: string;
  /** `USER[:PASSWORD]` */
  readonly credentials?: string;
  /** Ask the registry even when the image is here already. */
  readonly isUpgrade: boolean;
}

/** A manifest that has been understood. */
interface Wanted {
  readonly reference: Reference;
  readonly raw: RawManifest;
  readonly manifest: Manifest;
  /** The image by its digest, so that a tag that moves meanwhile cannot mix two images. */
  readonly source: RegistryImage;
}

/**
 * Pulls an image. Its ref is made last, so that it never names an incomplete image; layers that have arrived stay,
 * and the next pull goes on with them.
 *
 * @returns the reference to record for later updates
 * @throws AtomicError when the name is malformed, the registry refuses, or the content is not what it should be
 */
export async function pullImage(context: Context, request: PullRequest): Promise<{ reference: string }> {
  const reference = parseReference(request.image);
  requireRegistry(reference);
  if (request.isUpgrade || !isComplete(context, reference)) await pull(context, reference, request);
  return { reference: reference.name };
}

function requireRegistry({ transport }: Reference): void {
  if (transport === 'registry' || transport === 'insecure') return;
  throw new AtomicError(`pulling from '${transport}:' is not available in this build`);
}

async function pull(context: Context, reference: Reference, { credentials }: PullRequest): Promise<void> {
  if (reference.registry === '') {
    const text = `The image \`${reference.name}\` is not fully qualified.  The default registry configured for Skopeo will be used.`;
    context.report({ kind: 'warning', text });
  }
  await using folder = await temporaryFolder(context.paths.checkouts, 'pull');
  const authFile = credentials ? await writeAuthFile(folder.path, reference, credentials) : undefined;
  const isInsecure = reference.transport === 'insecure';
  const wanted = await fetchManifest(context, reference, {
    name: reference.name,
    shownAs: reference.name,
    isInsecure,
    authFile,
  });
  if (isCurrent(context, wanted)) return;
  await using _lock = await lockRepository(context);
  await importImage(context, wanted, folder.path);
}

/** Waits until this is the only command that writes to the repository. */
export async function lockRepository(context: Context): Promise<AsyncDisposable> {
  const text = 'Waiting for another atomic command to end writing to the repository';
  return await takeLock(context, repositoryLock(context.paths), () =>
    context.report({ kind: 'waiting', text }),
  );
}

/** Fetches the manifest, and from a list of them the one for this machine. */
export async function fetchManifest(
  context: Context,
  reference: Reference,
  image: RegistryImage,
): Promise<Wanted> {
  const first = await inspectManifest(context, image);
  const top = parseManifest(first.text, reference.name);
  if (top.manifests === undefined) return understood(reference, first, top, image);
  const digest = choosePlatform(top, reference.name);
  const chosen = await inspectManifest(context, { ...image, name: nameByDigest(reference, digest) });
  if (chosen.digest !== digest) throw mismatch(`the manifest of ${reference.name}`, chosen.digest, digest);
  return understood(reference, chosen, parseManifest(chosen.text, reference.name), image);
}

function understood(
  reference: Reference,
  raw: RawManifest,
  manifest: Manifest,
  image: RegistryImage,
): Wanted {
  if (manifest.layers === undefined || manifest.config === undefined) {
    throw new AtomicError(
      `cannot pull ${reference.name}: its manifest is not of Docker's schema 2 or of the OCI`,
    );
  }
  return { reference, raw, manifest, source: { ...image, name: nameByDigest(reference, raw.digest) } };
}

function nameByDigest({ name }: Reference, digest: string): string {
  const path = name.split('@')[0] ?? '';
  const slash = path.lastIndexOf('/') + 1;
  return `${path.slice(0, slash)}${path.slice(slash).split(':')[0]}@${digest}`;
}

function mismatch(what: string, found: string, expected: string): AtomicError {
  return new AtomicError(`${what} has the digest ${found}, not ${expected} as it should`);
}

/** Whether the image is here with all its layers and its configuration. */
function isComplete(context: Context, reference: Reference): boolean {
  const image = readImage(context, refOf(reference));
  if (image === undefined) return false;
  const { config } = image.manifest;
  const hasItsConfig = config === undefined || hasConfig(context, hexOf(config.digest));
  return hasItsConfig && image.layers.every((hex) => hasLayer(context, hex));
}

function isCurrent(context: Context, { reference, raw }: Wanted): boolean {
  const image = readImage(context, refOf(reference));
  return image?.id === hexOf(raw.digest) && isComplete(context, reference);
}

/** Layers and configuration first, the manifest and the image's ref last. */
async function importImage(context: Context, wanted: Wanted, folder: string): Promise<void> {
  const { manifest, source, reference, raw } = wanted;
  const { repository } = context.paths;
  const [config] = await together([obtainConfig(context, wanted), ensureRepository(context, repository)]);
  const diffIds = diffIdsOf(manifest, parseImageConfig(config.text, reference.name));
  await together([
    fetchLayers(context, { source, layers: layersOf(manifest), diffIds, folder }),
    commitConfig(context, config, folder),
  ]);
  await commitText(context, { name: 'manifest.json', text: raw.text, folder }, refOf(reference), {
    'docker.manifest': raw.text,
    'docker.digest': raw.digest,
    signatures: '0',
  });
}

async function ensureRepository(context: Context, repository: string): Promise<void> {
  await mkdir(repository, { recursive: true });
  if (!isRepository(repository)) await initRepository(context, repository);
}

async function obtainConfig(context: Context, { manifest, source, reference }: Wanted): Promise<RawManifest> {
  const expected = manifest.config?.digest ?? '';
  const present = readConfigText(context, expected);
  const config =
    present === undefined
      ? await inspectConfig(context, source)
      : { text: present, digest: digestOf(present) };
  if (config.digest !== expected)
    throw mismatch(`the configuration of ${reference.name}`, config.digest, expected);
  requireArchitecture(parseImageConfig(config.text, reference.name).architecture, reference.name);
  return config;
}

/** The uncompressed digests of the layers by their compressed ones; an image need not have as many. */
function diffIdsOf(manifest: Manifest, { rootfs }: ImageConfig): ReadonlyMap<string, string> {
  const layers = layersOf(manifest);
  const diffIds = rootfs?.diff_ids ?? [];
  return new Map(
    diffIds.length === layers.length ? layers.map((hex, index) => [hex, diffIds[index] ?? '']) : [],
  );
}

async function commitConfig(context: Context, { text, digest }: RawManifest, folder: string): Promise<void> {
  if (hasConfig(context, hexOf(digest))) return;
  const size = String(Buffer.byteLength(text));
  await commitText(context, { name: 'content', text, folder }, blobRef(hexOf(digest)), {
    'docker.size': size,
  });
}

/** An argument of a program cannot be longer (execve(2), MAX_ARG_STRLEN); real manifests have a few kilobytes. */
const LONGEST_ARGUMENT = 128 * 1024 - 64;

async function commitText(
  context: Context,
  { name, text, folder }: { name: string; text: string; folder: string },
  ref: string,
  metadata: Readonly<Record<string, string>>,
): Promise<void> {
  if (Object.values(metadata).some((value) => Buffer.byteLength(value) > LONGEST_ARGUMENT))
    throw new AtomicError(`cannot pull ${ref}: its manifest is larger than ${LONGEST_ARGUMENT} bytes`);
  const tree = join(folder, name.split('.')[0] ?? name);
  await mkdir(tree, { mode: 0o755 });
  await chmod(tree, 0o755);
  await writeFile(join(tree, name), text, { mode: 0o644 });
  await commitFolder(context, context.paths.repository, tree, { ref, metadata });
}
