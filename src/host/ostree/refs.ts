/** Reads the refs of an OSTree repository in this process; see `repository.ts`. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isErrno } from '../../errors.ts';
import { damaged } from './repository.ts';

/** Whether there is a repository at `repository`. */
export function isRepository(repository: string): boolean {
  return readdirIfPresent(repository).includes('config');
}

/** The names of the refs in the folder `refs/heads/FOLDER`, without the folder; none without repository. */
export function listRefs(repository: string, folder: string): readonly string[] {
  return readdirIfPresent(join(repository, 'refs/heads', folder)).sort();
}

/** The names of the refs below the folder `refs/heads/FOLDER` that are not right in it, such as `docker.io/busybox`. */
export function listNestedRefs(repository: string, folder: string): readonly string[] {
  const root = join(repository, 'refs/heads', folder);
  const below = readdirIfPresent(root).flatMap((name) => {
    const isFolder = statSync(join(root, name)).isDirectory();
    return isFolder
      ? readdirSync(join(root, name), { recursive: true }).map((path) => `${name}/${path}`)
      : [];
  });
  return below.filter((name) => resolveRef(repository, `${folder}/${name}`) !== undefined).sort();
}

/** The checksum that a ref such as `ociimage/busybox_3Alatest` holds, or `undefined` when there is no such ref. */
export function resolveRef(repository: string, ref: string): string | undefined {
  const path = join(repository, 'refs/heads', ref);
  try {
    const checksum = readFileSync(path, 'utf8').trim();
    if (!/^[0-9a-f]{64}$/.test(checksum)) throw damaged(path);
    return checksum;
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR', 'EISDIR', 'ENAMETOOLONG')) return undefined;
    throw error;
  }
}

function readdirIfPresent(path: string): string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  }
}
