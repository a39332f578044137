/** Brings the ordinary entries of a layer into a repository; what is special is left to `ostree commit`. */
import { AtomicError } from '../../errors.ts';
import { FileObject, writeLinkObject } from '../../host/ostree/file-object.ts';
import { openCommit, TreeWriter } from '../../host/ostree/tree-writer.ts';
import { plainOwnership, type TarEntry } from '../../host/tar/entry.ts';
import type { Taker } from '../../host/tar/filter.ts';
import { isFolder, pathOf, shown } from '../../host/tar/rules.ts';

/** One layer; disposing of it ends what is not complete. */
export class LayerWriter implements Taker, Disposable {
  readonly #repository: string;
  readonly #owner: string;
  readonly #tree: TreeWriter;
  /** The paths of what was left to ostree(1). */
  readonly #left = new Set<string>();
  /** As in ostree(1), a hard link is what is in the end at the path it leads to. */
  readonly #links: { readonly path: string; readonly target: string }[] = [];
  #current: { readonly path: string; readonly file: FileObject } | undefined;

  /**
   * @param repository a staging repository of mode `bare`
   * @param owner what the layer is, for messages
   */
  constructor(repository: string, owner: string) {
    this.#repository = repository;
    this.#owner = owner;
    this.#tree = new TreeWriter(repository);
  }

  take(entry: TarEntry, header: Buffer): boolean {
    const path = pathOf(entry.name);
    if (entry.type === '1') {
      this.#links.push({ path, target: pathOf(entry.link) });
      return true;
    }
    const isTaken = this.#takePlain(path, entry, header);
    if (isTaken) this.#left.delete(path);
    else this.#left.add(path);
    return isTaken;
  }

  #takePlain(path: string, entry: TarEntry, header: Buffer): boolean {
    const ownership = plainOwnership(header, entry);
    if (ownership === undefined) return false;
    if (isFolder(entry)) {
      if (entry.size > 0 || [...entry.xattrs.keys()].some((name) => name.includes('\0'))) return false;
      this.#tree.setDirectory(path, { ...ownership, xattrs: entry.xattrs });
      return true;
    }
    // Node cannot set them
    if (entry.xattrs.size > 0) return false;
    if (entry.type === '2') {
      const target = entry.link.toString();
      if (!isLinkTarget(target, entry.link)) return false;
      this.#tree.setFile(path, writeLinkObject(this.#repository, ownership, target));
      return true;
    }
    if (!/[0\0]/.test(entry.type)) return false;
    this.#current = { path, file: new FileObject(this.#repository, ownership) };
    return true;
  }

  write(part: Buffer): void {
    this.#current?.file.write(part);
  }

  end(): void {
    if (this.#current === undefined) return;
    this.#tree.setFile(this.#current.path, this.#current.file.end());
    this.#current = undefined;
  }

  /**
   * Makes the commit of the whole layer.
   *
   * @param rest the commit that ostree(1) has made of what was left to it
   * @throws AtomicError when a hard link leads nowhere
   */
  commit(rest: string | undefined): string {
    if (rest !== undefined) this.#addLeft(rest);
    for (const { path, target } of this.#links) {
      const file = this.#tree.file(target);
      if (file === undefined)
        throw new AtomicError(
          `${this.#owner} cannot be imported: its hard link ${shown(path)} leads to ${shown(target)}, which it does not have`,
        );
      this.#tree.setFile(path, file);
    }
    const commit = this.#tree.commit();
    if (rest !== undefined) this.#tree.removeOthers();
    return commit;
  }

  #addLeft(rest: string): void {
    const find = openCommit(this.#repository, rest);
    for (const path of this.#left) {
      const entry = find(path);
      // what it takes for nothing it has passed over
      if (entry === undefined) continue;
      if ('file' in entry) this.#tree.setFile(path, entry.file);
      else this.#tree.setDirectory(path, entry.meta);
    }
  }

  [Symbol.dispose](): void {
    this.#current?.file[Symbol.dispose]();
  }
}

/** Bytes: what ext4 and others take at least. */
const LONGEST_TARGET = 4000;

/** Whether a link may lead there, and nobody thinks differently of the text. */
function isLinkTarget(target: string, bytes: Buffer): boolean {
  return (
    bytes.length > 0 &&
    bytes.length < LONGEST_TARGET &&
    !bytes.includes(0) &&
    Buffer.from(target).equals(bytes)
  );
}
