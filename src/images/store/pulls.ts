/** What pulls that are under way count on: no other command may delete it before an image has it. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context } from '../../context.ts';
import { readIfPresent } from '../../host/files/files.ts';
import {
  sweepTemporaryFolders,
  type TemporaryFolder,
  temporaryFolder,
  temporaryFoldersInUse,
} from '../../host/files/temporary-folder.ts';

const PURPOSE = 'pull';
/** The digests of layers and configurations, one on a line. */
const NEEDED = 'needed';

/** Makes the folder of a pull, beside the containers. */
export async function pullFolder(context: Context): Promise<TemporaryFolder> {
  return await temporaryFolder(context, context.paths.checkouts, PURPOSE);
}

/**
 * Keeps layers and configurations until the folder of the pull goes. To be called with a share of the repository's
 * lock: whoever deletes has the lock alone, so that what is there then will stay.
 *
 * @param hexes their digests, without `sha256:`
 */
export async function holdForPull(folder: string, hexes: readonly string[]): Promise<void> {
  await writeFile(join(folder, NEEDED), hexes.join('\n'));
}

/** The hex digests of layers and configurations that pulls under way count on. */
export function blobsOfPulls({ paths }: Context): ReadonlySet<string> {
  const folders = temporaryFoldersInUse(paths.checkouts, PURPOSE);
  return new Set(folders.flatMap((folder) => (readIfPresent(join(folder, NEEDED)) ?? '').split('\n')));
}

/**
 * Removes what pulls that were killed had downloaded.
 *
 * @param onRemoval called with the path of each folder before it goes
 */
export async function removeLeftOverPulls(
  context: Context,
  onRemoval: (path: string) => void,
): Promise<void> {
  const before = (path: string): Promise<void> => Promise.resolve(onRemoval(path));
  await sweepTemporaryFolders(context, context.paths.checkouts, PURPOSE, before);
}
