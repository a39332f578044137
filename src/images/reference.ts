/** Image names: how they are typed, taken apart, and spelled as OSTree refs. */
import { basename } from 'node:path';
import { AtomicError } from '../errors.ts';

/** What a prefix says of where an image comes from; `insecure` is a registry without TLS verification. */
export type Transport = 'registry' | 'insecure' | 'docker' | 'dockertar';

export interface Reference {
  readonly transport: Transport;
  /** The name without its prefix, as typed; for `dockertar` the path of the archive. */
  readonly name: string;
  /** Empty for a short name. */
  readonly registry: string;
  /** The folders between the registry and the image; empty for most. */
  readonly repository: string;
  readonly image: string;
  /** Empty exactly when there is a digest. */
  readonly tag: string;
  /** `sha256:<hex>`, or empty. */
  readonly digest: string;
}

const PREFIXES: Readonly<Record<string, Transport>> = {
  'oci:': 'registry',
  'https:': 'registry',
  'http:': 'insecure',
  'docker:': 'docker',
  'dockertar:': 'dockertar',
};

/**
 * Takes a name apart; at most one prefix is dropped, and only from the start.
 *
 * @throws AtomicError for a name that no registry could serve
 */
export function parseReference(text: string): Reference {
  const prefix = Object.keys(PREFIXES).find((candidate) => text.startsWith(candidate)) ?? '';
  const transport = PREFIXES[prefix] ?? 'registry';
  const name = text.slice(prefix.length);
  if (transport === 'dockertar') return archiveReference(name);
  requireWellFormed(name, text);
  return { transport, name, ...decompose(name) };
}

/** The name of an archive's image is known only from its inside; its file name stands in until then. */
function archiveReference(path: string): Reference {
  const file = path.replace(/^\/\//, '/');
  if (file === '')
    throw new AtomicError("Invalid image name 'dockertar:'", { hint: 'give the path of the archive' });
  const image = basename(file).replaceAll('.tar', '');
  return {
    transport: 'dockertar',
    name: file,
    registry: '',
    repository: '',
    image,
    tag: 'latest',
    digest: '',
  };
}

/** The characters of https://github.com/distribution/reference, case left to the registry, since refs keep it. */
const WELL_FORMED = /^(\[[0-9a-fA-F:.]+\](:\d+)?\/)?[A-Za-z0-9_][A-Za-z0-9._\-/:]*(@sha256:[0-9a-f]{4,64})?$/;

function requireWellFormed(name: string, typed: string): void {
  const parts = name.split('/');
  if (WELL_FORMED.test(name) && !parts.some((part) => part === '' || part === '..' || /^[.:-]|:$/.test(part)))
    return;
  throw new AtomicError(`Invalid image name ${JSON.stringify(typed)}`, {
    hint: 'expected [REGISTRY/]NAME[:TAG]',
  });
}

type Parts = Omit<Reference, 'transport' | 'name'>;

/** Decided by the text alone: DNS has no say (specification 2.2). */
function decompose(name: string): Parts {
  const [path = '', digest = ''] = name.split('@');
  const components = path.split('/');
  const registry = components.length > 1 && isRegistry(components[0]) ? (components.shift() ?? '') : '';
  const [image = '', tag = ''] = (components.pop() ?? '').split(':');
  if (tag !== '' && digest !== '') {
    throw new AtomicError(`An image name cannot have both a tag and manifest digest in its name: ${name}`);
  }
  const isLibrary = registry === 'docker.io' && components.length === 0;
  const repository = isLibrary ? 'library' : components.join('/');
  return { registry, repository, image, tag: tag || (digest ? '' : 'latest'), digest };
}

function isRegistry(component: string | undefined): boolean {
  return component !== undefined && (/[.:]/.test(component) || component === 'localhost');
}

/** `[REGISTRY/][REPOSITORY/]IMAGE:TAG` or `…@DIGEST`, as shown; the `library` of docker.io is left out. */
export function fullName({ name, tag, digest }: Reference): string {
  const bare = name.split('@')[0] ?? '';
  if (digest !== '') return `${bare}@${digest}`;
  return hasTag(bare) ? bare : `${bare}:${tag}`;
}

function hasTag(name: string): boolean {
  return name.slice(name.lastIndexOf('/') + 1).includes(':');
}

/** {@link fullName} of a recorded name; one that cannot be taken apart is shown as it is. */
export function shownName(text: string): string {
  try {
    return fullName(parseReference(text));
  } catch (error) {
    if (error instanceof AtomicError) return text;
    throw error;
  }
}

/** Where the refs of images, layers and configurations live: `refs/heads/ociimage/…`. */
export const REF_FOLDER = 'ociimage';

/** The branch of an image. */
export function refOf(reference: Reference): string {
  return `${REF_FOLDER}/${encodeRef(fullName(reference))}`;
}

/** The branch of a layer or a configuration. */
export function blobRef(hex: string): string {
  return `${REF_FOLDER}/${hex}`;
}

/** Letters, digits, `.` and `-` stay; anything else becomes `_` and two upper-case hex digits for each byte. */
export function encodeRef(name: string): string {
  return name.replaceAll(/[^\p{L}\p{N}.-]/gu, (character) =>
    [...Buffer.from(character)]
      .map((byte) => `_${byte.toString(16).toUpperCase().padStart(2, '0')}`)
      .join(''),
  );
}

/** The inverse of {@link encodeRef}; a text with a `_` that begins no code is returned as it is. */
export function decodeRef(encoded: string): string {
  if (/_(?![0-9A-Fa-f]{2}|[0-9A-Fa-f]$)/.test(encoded)) return encoded;
  return encoded.replaceAll(/_([0-9A-Fa-f]{1,2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

/** Whether the part after `ociimage/` belongs to a layer or a configuration: exactly 64 lower-case hex digits. */
export function isBlobName(encoded: string): boolean {
  return /^[0-9a-f]{64}$/.test(encoded);
}

/**
 * What a container is called when nobody names it: the image, and its tag unless that is `latest`.
 *
 * @throws AtomicError for a malformed image name
 */
export function defaultContainerName(text: string): string {
  const { image, tag } = parseReference(text);
  return tag === '' || tag === 'latest' ? image : `${image}-${tag}`;
}
