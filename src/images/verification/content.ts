/** Checks an image in the repository against its checksums, object by object. */
import type { Context } from '../../context.ts';
import { checkFiles, type ObjectName } from '../../host/ostree/fsck.ts';
import { resolveRef } from '../../host/ostree/refs.ts';
import { damageOf, type FolderObjects, readCommit, readFolder } from '../../host/ostree/repository.ts';

/** What one commit consists of. */
interface Content {
  readonly objects: ObjectName[];
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
  const broken = await checkFiles(context, repository, distinct(whole.flatMap(({ objects }) => objects)));
  for (const { objects, paths, damages } of contents.values()) {
    if (damages.length > 0 && objects.length > 0) damages.push('its files: not checked');
    for (const [checksum, state] of broken)
      damages.push(...(paths.get(checksum) ?? []).map((path) => `${path}: ${state}`));
  }
  return new Map([...contents].map(([ref, { damages }]) => [ref, damages.sort()]));
}

function distinct(objects: readonly ObjectName[]): readonly ObjectName[] {
  return [...new Map(objects.map((object) => [`${object.checksum}.${object.kind}`, object])).values()];
}

function contentOf(repository: string, ref: string): Content {
  const content: Content = { objects: [], paths: new Map(), damages: [] };
  const commit = resolveRef(repository, ref);
  if (commit === undefined) content.damages.push('all of it: missing');
  else if (isIntact(repository, content, { checksum: commit, kind: 'commit' }, 'all of it'))
    addFolder(repository, content, readCommit(repository, commit), '');
  return content;
}

function addFolder(repository: string, content: Content, { tree, meta }: FolderObjects, path: string): void {
  isIntact(repository, content, { checksum: meta, kind: 'dirmeta' }, `${path}/`);
  if (!isIntact(repository, content, { checksum: tree, kind: 'dirtree' }, `${path}/ and all below`)) return;
  const { files, folders } = readFolder(repository, tree);
  for (const [name, checksum] of files) {
    content.objects.push({ checksum, kind: 'file' });
    const paths = content.paths.get(checksum);
    if (paths === undefined) content.paths.set(checksum, [`${path}/${name}`]);
    else paths.push(`${path}/${name}`);
  }
  for (const [name, objects] of folders) addFolder(repository, content, objects, `${path}/${name}`);
}

function isIntact(
  repository: string,
  { objects, damages }: Content,
  object: ObjectName & { readonly kind: 'commit' | 'dirtree' | 'dirmeta' },
  owner: string,
): boolean {
  const damage = damageOf(repository, object.checksum, object.kind);
  if (damage === undefined) objects.push(object);
  else damages.push(`${owner}: ${damage}`);
  return damage === undefined;
}
