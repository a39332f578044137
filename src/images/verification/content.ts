/** Checks an image in the repository against its checksums, object by object. */
import type { Context } from '../../context.ts';
import { checkFiles } from '../../host/ostree/fsck.ts';
import { resolveRef } from '../../host/ostree/refs.ts';
import { damageOf, type FolderObjects, readCommit, readFolder } from '../../host/ostree/repository.ts';

/** What one commit consists of. */
interface Content {
  /** Absent when it is missing or damaged. */
  commit?: string;
  /** The paths of files by the checksum of their object. */
  readonly paths: Map<string, string[]>;
  /** What is wrong, a line each. */
  readonly damages: string[];
}

/**
 * Checks the content of commits against their checksums.
 *
 * @param refs those of the commits
 * @returns what is wrong, by ref: a line for each file or folder
 */
export async function verifyContent(
  context: Context,
  refs: Iterable<string>,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const { repository } = context.paths;
  const contents = new Map([...new Set(refs)].map((ref) => [ref, contentOf(repository, ref)]));
  const whole = [...contents.values()].filter(({ damages }) => damages.length === 0);
  const commits = whole.flatMap(({ commit }) => commit ?? []);
  const broken = await checkFiles(context, repository, new Set(commits));
  for (const { commit, paths, damages } of contents.values()) {
    if (damages.length > 0 && commit !== undefined) damages.push('its files: not checked');
    for (const [checksum, state] of broken)
      damages.push(...(paths.get(checksum) ?? []).map((path) => `${path}: ${state}`));
  }
  return new Map([...contents].map(([ref, { damages }]) => [ref, damages.sort()]));
}

function contentOf(repository: string, ref: string): Content {
  const content: Content = { paths: new Map(), damages: [] };
  const commit = resolveRef(repository, ref);
  if (commit === undefined) {
    content.damages.push('all of it: missing');
  } else if (isIntact(repository, content, { checksum: commit, kind: 'commit' }, 'all of it')) {
    content.commit = commit;
    addFolder(repository, content, readCommit(repository, commit), '');
  }
  return content;
}

function addFolder(repository: string, content: Content, { tree, meta }: FolderObjects, path: string): void {
  isIntact(repository, content, { checksum: meta, kind: 'dirmeta' }, `${path}/`);
  if (!isIntact(repository, content, { checksum: tree, kind: 'dirtree' }, `${path}/ and all below`)) return;
  const { files, folders } = readFolder(repository, tree);
  for (const [name, checksum] of files) {
    const paths = content.paths.get(checksum);
    if (paths === undefined) content.paths.set(checksum, [`${path}/${name}`]);
    else paths.push(`${path}/${name}`);
  }
  for (const [name, objects] of folders) addFolder(repository, content, objects, `${path}/${name}`);
}

function isIntact(
  repository: string,
  { damages }: Content,
  object: { readonly checksum: string; readonly kind: 'commit' | 'dirtree' | 'dirmeta' },
  owner: string,
): boolean {
  const damage = damageOf(repository, object.checksum, object.kind);
  if (damage !== undefined) damages.push(`${owner}: ${damage}`);
  return damage === undefined;
}
