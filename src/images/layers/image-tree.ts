/** Reads files of an image from the repository, as a checkout of its layers would show them. */
import type { Context } from '../../context.ts';
import { followLinks } from '../../host/files/path-inside.ts';
import { readCommit, readFileObject, readFolder, readLinkObject } from '../../host/ostree/repository.ts';
import type { LocalImage } from '../store/images.ts';
import { layerCommits } from './checkout.ts';
import { isWhiteout, OPAQUE, WHITEOUT } from './whiteouts.ts';

/** An image whose layers are merged folder by folder, as far as somebody looks at them; nothing is written. */
export interface ImageTree {
  /** The text of a regular file, `undefined` when there is none; links are followed inside the image. */
  readText(path: string): Promise<string | undefined>;
  /** The paths of the files and links below a folder, relative to it, sorted; none when there is no such folder. */
  filesBelow(path: string): Promise<readonly string[]>;
}

/**
 * Opens the tree of an image.
 *
 * @throws AtomicError, as its functions do, when a layer is missing or damaged
 */
export function openImageTree(context: Context, image: LocalImage): ImageTree {
  const { repository } = context.paths;
  const trees = layerCommits(context, image).map((commit) => readCommit(repository, commit).tree);
  const find = async (path: string) => await findEntry(repository, { trees }, path);
  return {
    readText: async (path) => {
      const entry = await find(path);
      return entry && 'file' in entry ? readFileObject(repository, entry.file).toString() : undefined;
    },
    filesBelow: async (path) => {
      const entry = await find(path);
      return entry && 'trees' in entry ? pathsBelow(repository, entry).sort() : [];
    },
  };
}

/** The checksum of a file, or those of the dirtrees that make up a folder, base first. */
type Entry = { readonly file: string } | FolderEntry;
interface FolderEntry {
  readonly trees: readonly string[];
}

async function findEntry(repository: string, root: FolderEntry, path: string): Promise<Entry | undefined> {
  const walk = (inner: string) => walkTo(repository, root, inner);
  const target = (inner: string) => {
    const entry = walk(inner);
    if (entry === undefined || 'trees' in entry) return entry && '';
    return readLinkObject(repository, entry.file) ?? '';
  };
  const resolved = await followLinks(path, target);
  return resolved === undefined ? undefined : walk(resolved);
}

function walkTo(repository: string, root: FolderEntry, path: string): Entry | undefined {
  let entry: Entry | undefined = root;
  for (const name of path.split('/').filter(Boolean)) {
    if (entry === undefined || !('trees' in entry)) return undefined;
    entry = mergeFolder(repository, entry).get(name);
  }
  return entry;
}

function pathsBelow(repository: string, folder: FolderEntry): string[] {
  return [...mergeFolder(repository, folder)].flatMap(([name, entry]) =>
    'trees' in entry ? pathsBelow(repository, entry).map((path) => `${name}/${path}`) : [name],
  );
}

/** What a folder holds, each layer over those below it; a whiteout hides only what is below its own layer. */
function mergeFolder(repository: string, { trees }: FolderEntry): Map<string, Entry> {
  const merged = new Map<string, Entry>();
  for (const { files, folders } of trees.map((tree) => readFolder(repository, tree))) {
    if (files.has(OPAQUE)) merged.clear();
    const names = [...files.keys()];
    for (const name of names.filter(isWhiteout)) merged.delete(name.slice(WHITEOUT.length));
    for (const [name, file] of files) if (!isWhiteout(name)) merged.set(name, { file });
    for (const [name, { tree }] of folders) {
      const below = merged.get(name);
      merged.set(name, { trees: [...(below && 'trees' in below ? below.trees : []), tree] });
    }
  }
  return merged;
}
