/** Reads the trees of layers, and groups layers that one checkout can combine. */
import { AtomicError } from '../../errors.ts';
import { type Folder, readFolder } from '../../host/ostree/repository.ts';
import { isWhiteout, WHITEOUT } from './whiteouts.ts';

/**
 * Refuses a layer with a whiteout that is for no name: ostree(1) would take `.wh...` for an order to remove the
 * folder that the image is being checked out into.
 *
 * @param tree checksum of the root folder
 * @param owner what the layer is, for messages
 * @throws AtomicError
 */
export function requireSafeWhiteouts(repository: string, tree: string, owner: string): void {
  const { files, folders } = readFolder(repository, tree);
  for (const name of files.keys()) {
    if (isWhiteout(name) && ['', '.', '..'].includes(name.slice(WHITEOUT.length)))
      throw new AtomicError(`${owner} has the whiteout '${name}', which names no file`);
  }
  for (const folder of folders.values()) requireSafeWhiteouts(repository, folder.tree, owner);
}

/** A commit, and the dirtree object of its root folder. */
export interface LayerTree {
  readonly commit: string;
  readonly tree: string;
}

/**
 * Cuts layers into runs, base first, such that within a run no layer has a folder where one below, of any run, has a
 * file or a link; only the first of a run may.
 */
export function cutAtHiddenFiles(
  repository: string,
  layers: readonly LayerTree[],
): readonly (readonly LayerTree[])[] {
  const read = cachedReader(repository);
  const trees = layers.map(({ tree }) => tree);
  const runs: LayerTree[][] = [];
  for (const [index, layer] of layers.entries()) {
    const run = runs.at(-1);
    if (run === undefined || hidesFile(read, trees.slice(0, index), layer.tree)) runs.push([layer]);
    else run.push(layer);
  }
  return runs;
}

type Reader = (tree: string) => Folder;

function cachedReader(repository: string): Reader {
  const known = new Map<string, Folder>();
  return (tree) => {
    const folder = known.get(tree) ?? readFolder(repository, tree);
    known.set(tree, folder);
    return folder;
  };
}

/** Goes only where both the layer and one below have folders, which is a small part of most images. */
function hidesFile(read: Reader, below: readonly string[], tree: string): boolean {
  if (below.length === 0) return false;
  const others = below.map(read);
  return [...read(tree).folders].some(([name, folder]) => {
    if (others.some(({ files }) => files.has(name))) return true;
    const beneath = others.map(({ folders }) => folders.get(name)?.tree).filter((one) => one !== undefined);
    return hidesFile(read, beneath, folder.tree);
  });
}
