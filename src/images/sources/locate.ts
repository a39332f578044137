/** Finds which source a typed name means, and under which name its image is stored. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { absolutePath, type Context } from '../../context.ts';
import { AtomicError, isErrno } from '../../errors.ts';
import { findEngine } from '../../host/docker.ts';
import { readIfPresent } from '../../host/files/files.ts';
import { digestOf, inspectManifest } from '../../host/skopeo.ts';
import { readMember } from '../../host/tar/member.ts';
import {
  baseNameOf,
  fullName,
  isLocal,
  type LocalTransport,
  parseName,
  parseReference,
  type Reference,
} from '../names/reference.ts';
import { annotatedName, type Manifest, parseManifest } from '../store/manifest.ts';
import { findInArchive } from './docker-archive.ts';
import { localHint } from './hints.ts';
import { blobPath, findInLayout, type Layout, verifyEntry } from './oci-layout.ts';
import { choosePlatform } from './platform.ts';

/** An image on this machine. */
export interface LocatedImage {
  /** The name under which it is stored. */
  readonly reference: Reference;
  /** skopeo's name for the kind of source (containers-transports(5)). */
  readonly transport: string;
  /** The name in a store, or an absolute path. */
  readonly path: string;
  /** What of the file or folder is meant, as skopeo takes it after the path. */
  readonly selector: string;
  /** Whether it is one of several saved together, with layers in common. */
  readonly isOneOfSeveral: boolean;
  /** The digest of its manifest or of its configuration, as far as it is known without reading all of the image. */
  identity(): Promise<string | undefined>;
  /** Refuses what skopeo would not. */
  verify(): Promise<void>;
}

/**
 * What a typed name stands for: its image has the name under which it is, or will be, stored. For an archive or a
 * folder, that stands inside.
 *
 * @throws AtomicError when the name is malformed, or the archive or folder is absent or not what the prefix says
 */
export async function resolveReference(context: Context, text: string): Promise<Reference> {
  const typed = parseReference(text);
  return isLocal(typed) ? (await locateImage(context, typed)).reference : typed;
}

/** Finds an image that is not in a registry; see {@link resolveReference}. */
export async function locateImage(
  context: Context,
  typed: Reference & { readonly transport: LocalTransport },
): Promise<LocatedImage> {
  switch (typed.transport) {
    case 'docker':
      return locateByName(typed, 'docker-daemon', (name) => idInEngine(context, name));
    case 'containers-storage':
      return locateByName(typed, 'containers-storage', (name) => configInStore(context, name));
    case 'dockertar':
      return await locateArchive(context, absolutePath(context, typed.name));
    case 'dir':
      return await locateFolder(absolutePath(context, typed.name));
    default: {
      const [path = '', ...rest] = typed.name.split(':');
      return await locateLayout(context, typed.transport, absolutePath(context, path), rest.join(':'));
    }
  }
}

type Required = 'reference' | 'transport' | 'path' | 'identity';

/** An image about which nothing is special but what is said. */
function located(image: Pick<LocatedImage, Required> & Partial<Omit<LocatedImage, Required>>): LocatedImage {
  return { selector: '', isOneOfSeveral: false, verify: () => Promise.resolve(), ...image };
}

function locateByName(
  typed: Reference,
  transport: string,
  identity: (name: string) => Promise<string | undefined>,
): LocatedImage {
  const reference = { ...parseName(fullName(typed)), transport: typed.transport };
  const path = fullName(typed);
  return located({ reference, transport, path, identity: () => identity(path) });
}

/** What does not answer is asked again by the copy, which says why it failed. */
async function ifAnswered<Answer>(ask: () => Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof AtomicError)) throw error;
    return undefined;
  }
}

async function idInEngine(context: Context, name: string): Promise<string | undefined> {
  return await ifAnswered(async () => await (await findEngine(context))?.imageId(name));
}

async function configInStore(context: Context, name: string): Promise<string | undefined> {
  const image = {
    location: `containers-storage:${name}`,
    shownAs: name,
    isInsecure: false,
    authFile: undefined,
  };
  return await ifAnswered(async () => {
    const { text } = await inspectManifest(context, { ...image, hintFor: localHint });
    return parseManifest(text, name).config?.digest;
  });
}

async function locateArchive(context: Context, path: string): Promise<LocatedImage> {
  await requireKind(path, 'file');
  const { name, position, config } = await findInArchive(context, path);
  const reference = { ...nameInside(name, path), transport: 'dockertar' as const };
  // an index finds an image also when the archive has no name for it
  const selector = `:@${position}`;
  const isOneOfSeveral = position > 0;
  const identity = () => Promise.resolve(config);
  return located({ reference, transport: 'docker-archive', path, selector, isOneOfSeveral, identity });
}

async function locateFolder(path: string): Promise<LocatedImage> {
  await requireKind(path, 'directory');
  const text = readIfPresent(join(path, 'manifest.json'));
  if (text === undefined)
    throw new AtomicError(`${path} contains no image: it has no manifest.json`, {
      hint: "for an OCI layout use 'oci:'",
    });
  const manifest = parseManifest(text, path);
  const name = storedName(annotatedName(manifest), path, '');
  const reference = { ...nameInside(name, path), transport: 'dir' as const };
  const identity = () => Promise.resolve(digestFor(manifest, digestOf(text), path));
  return located({ reference, transport: 'dir', path, identity });
}

async function locateLayout(
  context: Context,
  transport: 'oci' | 'oci-archive',
  path: string,
  tag: string,
): Promise<LocatedImage> {
  await requireKind(path, transport === 'oci' ? 'directory' : 'file');
  const layout: Layout = {
    path,
    read: async (file) =>
      transport === 'oci' ? readIfPresent(join(path, file)) : await readMember(context, path, file),
  };
  const entry = await findInLayout(layout, tag);
  const reference = { ...nameInside(storedName(annotatedName(entry), path, tag), path), transport };
  const selector = tag === '' ? '' : `:${tag}`;
  return located({
    reference,
    transport,
    path,
    selector,
    identity: async () => {
      const text = await layout.read(blobPath(entry));
      return text && digestFor(parseManifest(text, path), entry.digest, path);
    },
    verify: async () => await verifyEntry(layout, entry),
  });
}

/** The digest of a manifest, or, of a list of manifests, that of the one for this machine. */
function digestFor(manifest: Manifest, digest: string, path: string): string {
  return manifest.manifests === undefined ? digest : choosePlatform(manifest, path);
}

async function requireKind(path: string, kind: 'file' | 'directory'): Promise<void> {
  try {
    const found = await stat(path);
    if (kind === 'file' ? found.isFile() : found.isDirectory()) return;
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'ENOTDIR')) throw error;
    throw new AtomicError(`${path} does not exist`, { cause: error });
  }
  throw new AtomicError(`${path} is not a ${kind}`);
}

/**
 * The name of an image in a layout or a folder: the annotated one when it is more than a tag, else that of the file or
 * folder.
 */
export function storedName(annotated: string | undefined, path: string, tag: string): string {
  if (annotated !== undefined && /[/:]/.test(annotated)) return annotated;
  return `${baseNameOf(path)}:${tag || 'latest'}`;
}

function nameInside(name: string, path: string): Reference {
  const reference = parseName(name, `${name} (from ${path})`);
  return parseName(fullName(reference));
}
