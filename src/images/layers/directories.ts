/** Decides which layer sets the owner, permissions and extended attributes of a directory. */
import * as z from 'zod/mini';
import { AtomicError } from '../../errors.ts';
import {
  type Commit,
  type Folder,
  type FolderAttributes,
  type FolderObjects,
  readAttributes,
  readCommit,
  readFolder,
} from '../../host/ostree/repository.ts';
import type { Directories } from '../../host/tar/rules.ts';
import { parseJson } from '../../json.ts';
import { isWhiteout, OPAQUE, WHITEOUT } from './whiteouts.ts';

/** The key of commits of layers: the directories that the layer describes, or those that it only implies. */
export const DIRECTORIES = 'atomic.directories';

const Recorded = z.union([
  z.object({ described: z.array(z.string()) }),
  z.object({ implied: z.array(z.string()) }),
]);

/** An argument of a program, as which the text is handed on, cannot be longer than 128 KiB. */
const LONGEST_RECORD = 100_000;

/**
 * The text for {@link DIRECTORIES}; ostree(1) makes the same of a directory without an entry of its own as of one that
 * is to be ordinary.
 *
 * @returns `undefined` when it would be too long: what counts is then guessed, as it is for layers without it
 */
export function recordOf({ described, implied }: Directories): string | undefined {
  const record = JSON.stringify(implied.length <= described.length ? { implied } : { described });
  return Buffer.byteLength(record) > LONGEST_RECORD ? undefined : record;
}

/** A directory of a merged image that cannot be left as `ostree checkout` made it, from its lowest layer. */
export interface Correction {
  /** From the root of the image, '' for the root itself. */
  readonly path: string;
  /** The commit of the layer that says what the directory is. */
  readonly commit: string;
  readonly attributes: FolderAttributes;
  /** Whether extended attributes are among what is to be corrected. */
  readonly hasOtherXattrs: boolean;
}

/** What one layer makes of a directory. */
interface Part extends FolderObjects {
  readonly layer: Layer;
}

interface Layer {
  readonly commit: string;
  describes(path: string, objects: FolderObjects): boolean;
}

/**
 * The directories whose attributes are those of another layer than the lowest that has them, a directory before what is
 * in it. The root is always among them: it is not made by ostree(1).
 *
 * @param commits those of the layers, base first
 * @throws AtomicError when an object is missing or damaged
 */
export function correctionsFor(repository: string, commits: readonly string[]): readonly Correction[] {
  const parts = commits.map((checksum) => {
    const commit = readCommit(repository, checksum);
    return { tree: commit.tree, meta: commit.meta, layer: layerOf(repository, checksum, commit) };
  });
  return correct(repository, '', parts);
}

function layerOf(repository: string, checksum: string, { metadata }: Commit): Layer {
  const text = metadata.get(DIRECTORIES);
  if (text === undefined)
    return { commit: checksum, describes: (path, objects) => isTelling(repository, path, objects) };
  const record = parseJson(
    Recorded,
    text,
    ({ reason }) => new AtomicError(`the commit ${checksum} is damaged: ${DIRECTORIES}: ${reason}`),
  );
  const isDescribed = 'described' in record;
  const paths = new Set(isDescribed ? record.described : record.implied);
  return { commit: checksum, describes: (path) => paths.has(path) === isDescribed };
}

/** compat: of the layers of the Python tool nobody knows; what is ordinary and not empty may only be implied. */
function isTelling(repository: string, path: string, { tree, meta }: FolderObjects): boolean {
  const { uid, gid, mode, xattrs } = readAttributes(repository, meta);
  if (uid !== 0 || gid !== 0 || mode !== 0o755 || xattrs !== '') return true;
  const { files, folders } = readFolder(repository, tree);
  return path !== '' && files.size + folders.size === 0;
}

function correct(repository: string, path: string, all: readonly Part[]): Correction[] {
  const folders = all.map(({ tree }) => readFolder(repository, tree));
  // what is below an opaque layer is not there, the directory itself included
  const from = Math.max(
    0,
    folders.findLastIndex(({ files }) => files.has(OPAQUE)),
  );
  const parts = all.slice(from);
  const children = merge(parts, folders.slice(from));
  const below = [...children].flatMap(([name, inner]) =>
    inner.length < 2 ? [] : correct(repository, path === '' ? name : `${path}/${name}`, inner),
  );
  const own = correctionOf(repository, path, parts);
  return own === undefined ? below : [own, ...below];
}

function correctionOf(repository: string, path: string, parts: readonly Part[]): Correction | undefined {
  const lowest = parts[0];
  const telling = parts.findLast(({ layer, ...objects }) => layer.describes(path, objects)) ?? lowest;
  if (lowest === undefined || telling === undefined) return undefined;
  if (path !== '' && telling.meta === lowest.meta) return undefined;
  const attributes = readAttributes(repository, telling.meta);
  const made = path === '' ? '' : readAttributes(repository, lowest.meta).xattrs;
  return { path, commit: telling.layer.commit, attributes, hasOtherXattrs: attributes.xattrs !== made };
}

/** The directories in a merged directory, each with the layers that it consists of. */
function merge(parts: readonly Part[], folders: readonly Folder[]): ReadonlyMap<string, readonly Part[]> {
  const merged = new Map<string, readonly Part[]>();
  for (const [index, { files, folders: inner }] of folders.entries()) {
    const layer = parts[index]?.layer;
    if (layer === undefined) continue;
    for (const name of files.keys()) merged.delete(isWhiteout(name) ? name.slice(WHITEOUT.length) : name);
    for (const [name, objects] of inner)
      merged.set(name, [...(merged.get(name) ?? []), { ...objects, layer }]);
  }
  return merged;
}
