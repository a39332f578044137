/** What a registry says of an image, before anything of it is fetched. */
import type { Context } from '../context.ts';
import { AtomicError } from '../errors.ts';
import { type ImageSource, inspectManifest, type RawManifest } from '../host/skopeo.ts';
import { mismatch, requireLayers } from './found-image.ts';
import { type Manifest, parseManifest } from './manifest.ts';
import { choosePlatform } from './platform.ts';
import type { Reference } from './reference.ts';

/**
 * An image in its registry.
 *
 * @param purpose what is done there, for messages
 * @throws AtomicError when the reference is to another source
 */
export function registryImage(
  { transport, name }: Reference,
  purpose: NonNullable<ImageSource['purpose']>,
): ImageSource {
  if (transport !== 'registry' && transport !== 'insecure')
    throw new AtomicError(`cannot ${purpose} ${name} in a registry: '${transport}:' is not one`);
  return {
    location: `docker://${name}`,
    shownAs: name,
    isInsecure: transport === 'insecure',
    authFile: undefined,
    purpose,
  };
}

/** A manifest that describes layers, for this machine. */
export interface RemoteManifest {
  readonly raw: RawManifest;
  readonly manifest: Manifest;
  /** The image by its digest, so that a tag that moves meanwhile cannot mix two images. */
  readonly source: ImageSource;
}

/**
 * Fetches the manifest of an image, and from a list of them the one for this machine.
 *
 * @throws AtomicError when the registry refuses, or has no such image for this machine
 */
export async function fetchManifest(
  context: Context,
  { name }: Reference,
  tagged: ImageSource,
): Promise<RemoteManifest> {
  const first = await inspectManifest(context, tagged);
  const top = parseManifest(first.text, name);
  if (top.manifests === undefined)
    return understood({ ...tagged, location: locationOf(name, first.digest) }, first);
  const digest = choosePlatform(top, name);
  const source = { ...tagged, location: locationOf(name, digest) };
  const chosen = await inspectManifest(context, source);
  if (chosen.digest !== digest) throw mismatch(`the manifest of ${name}`, chosen.digest, digest);
  return understood(source, chosen);
}

function understood(source: ImageSource, raw: RawManifest): RemoteManifest {
  const manifest = parseManifest(raw.text, source.shownAs);
  requireLayers(manifest, source.shownAs);
  return { raw, manifest, source };
}

function locationOf(name: string, digest: string): string {
  const path = name.split('@')[0] ?? '';
  const slash = path.lastIndexOf('/') + 1;
  return `docker://${path.slice(0, slash)}${path.slice(slash).split(':')[0]}@${digest}`;
}
