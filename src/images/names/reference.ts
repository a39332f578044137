/** Parses image names. */
import { basename } from 'node:path';
import { AtomicError } from '../../errors.ts';

/**
 * What a prefix says of where an image comes from: a registry (`insecure`: without TLS verification), a store of images
 * by name, or a file or folder.
 */
export type Transport = 'registry' | 'insecure' | LocalTransport;
export type LocalTransport = NamedStore | PathTransport;
type NamedStore = 'docker' | 'containers-storage';
type PathTransport = 'dockertar' | 'oci' | 'oci-archive' | 'dir';

export interface Reference {
  readonly transport: Transport;
  /** The name without its prefix, as typed; for a file or folder its path, followed by the tag. */
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
  'containers-storage:': 'containers-storage',
  'dockertar:': 'dockertar',
  'oci-archive:': 'oci-archive',
  'dir:': 'dir',
};
const PATH_TRANSPORTS: readonly Transport[] = ['dockertar', 'oci', 'oci-archive', 'dir'];

/**
 * Takes a name apart; at most one prefix is dropped, and only from the start.
 *
 * @throws AtomicError for a name that no registry could serve
 */
export function parseReference(text: string): Reference {
  const prefix = Object.keys(PREFIXES).find((candidate) => text.startsWith(candidate)) ?? '';
  const name = text.slice(prefix.length);
  const transport = isPathBehindOci(prefix, name) ? 'oci' : (PREFIXES[prefix] ?? 'registry');
  if (isPathTransport(transport)) return pathReference(transport, name);
  return { ...parseName(name, text), transport };
}

/** compat: `oci:` before a name is the registry; only what can be no name is the folder of a layout. */
function isPathBehindOci(prefix: string, name: string): boolean {
  return prefix === 'oci:' && /^\.{0,2}\//.test(name);
}

/** Whether the image is on this machine: in a store, an archive or a folder. */
export function isLocal<Named extends Pick<Reference, 'transport'>>(
  reference: Named,
): reference is Named & { readonly transport: LocalTransport } {
  return reference.transport !== 'registry' && reference.transport !== 'insecure';
}

function isPathTransport(transport: Transport): transport is PathTransport {
  return PATH_TRANSPORTS.includes(transport);
}

/** The name of its image is known only from its inside; that of the file or folder stands in until then. */
function pathReference(transport: PathTransport, text: string): Reference {
  const path = text.replace(/^\/\//, '/');
  if (path === '') {
    throw new AtomicError(`Invalid image name '${transport}:'`, {
      hint: 'give the path of the file or directory',
    });
  }
  const image = baseNameOf(path);
  return { transport, name: path, registry: '', repository: '', image, tag: 'latest', digest: '' };
}

/** What an image is called after its file or folder, when nothing inside says better. */
export function baseNameOf(path: string): string {
  return basename(path)
    .replace(/\.(tgz|gz|zst)$/, '')
    .replaceAll('.tar', '');
}

/**
 * Takes the name of an image apart, in which nothing is a prefix.
 *
 * @param typed what the person typed, for messages
 * @throws AtomicError for a name that no registry could serve
 */
export function parseName(name: string, typed = name): Reference {
  requireWellFormed(name, typed);
  return { transport: 'registry', name, ...decompose(name) };
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

/** Decided by the text alone, without asking DNS, so that a name means the same with and without a network. */
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

/** `a/b:1` is the tag `1` of `a/b`; a digest counts as the tag. */
export function splitTag(name: string): { repository: string; tag: string } {
  const at = name.includes('@') ? name.indexOf('@') : name.lastIndexOf(':');
  return at < 0 ? { repository: name, tag: '' } : { repository: name.slice(0, at), tag: name.slice(at + 1) };
}

/** The name as {@link parseReference} reads it again: `docker:1` of a registry is not an image of the engine. */
export function recordedName({ name }: Reference): string {
  const read = parseReference(name);
  return read.transport === 'registry' && read.name === name ? name : `oci:${name}`;
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
