/** Checks objects of a repository against their checksums, without writing to it. */
import { copyFileSync, linkSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { AtomicError, isErrno } from '../../errors.ts';
import { temporaryFolder } from '../files/temporary-folder.ts';
import type { Host } from '../host.ts';
import { type ObjectKind, objectPath } from './repository.ts';

export interface ObjectName {
  readonly checksum: string;
  readonly kind: ObjectKind;
}

/** `ostree fsck` found something. */
const FOUND = 1;

/**
 * Checks the content of files: `ostree fsck`, which checks everything that there is, gets a repository to see with
 * links to these objects only. It would also mark commits that are not whole, and not look at them again.
 *
 * @param objects files, with the metadata objects that lead to them from a commit, which have to be undamaged
 * @returns the checksums of the files that are not what they should be
 */
export async function checkFiles(
  host: Host,
  repository: string,
  objects: readonly ObjectName[],
): Promise<ReadonlyMap<string, 'missing' | 'damaged'>> {
  await using view = await temporaryFolder(host, join(repository, 'tmp'), 'verify');
  for (const folder of ['refs/heads', 'refs/remotes', 'state', 'tmp'])
    mkdirSync(join(view.path, folder), { recursive: true });
  copyFileSync(join(repository, 'config'), join(view.path, 'config'));
  for (const prefix of new Set(objects.map(({ checksum }) => checksum.slice(0, 2))))
    mkdirSync(join(view.path, 'objects', prefix), { recursive: true });
  const missing = objects.filter((object) => !link(repository, view.path, object));
  const { exitCode, stderr } = await host.processes.run({
    tool: 'ostree',
    args: ['fsck', `--repo=${view.path}`, '--all', '--quiet'],
    env: { LC_ALL: 'C' },
    expected: [FOUND],
  });
  const damaged = parseDamaged(stderr);
  if (exitCode === FOUND && damaged.length === 0 && missing.length === 0)
    throw new AtomicError(`cannot check the objects of ${repository}: ${stderr.trim()}`);
  return new Map([
    ...damaged.map((checksum) => [checksum, 'damaged'] as const),
    ...missing.map(({ checksum }) => [checksum, 'missing'] as const),
  ]);
}

/** Makes a hard link to an object in another repository; says whether the object is there. */
function link(from: string, to: string, { checksum, kind }: ObjectName): boolean {
  try {
    linkSync(objectPath(from, checksum, kind), objectPath(to, checksum, kind));
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    throw error;
  }
}

/** The checksums of the files that `ostree fsck` complains of. */
export function parseDamaged(stderr: string): readonly string[] {
  return [...stderr.matchAll(/fsck content object ([0-9a-f]{64}):/g)].map(([, checksum = '']) => checksum);
}
