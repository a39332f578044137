/** The part of `atomic images prune` that concerns the repository. */
import { join } from 'node:path';
import type { Context } from '../context.ts';
import { AtomicError } from '../errors.ts';
import { note } from '../events.ts';
import { faultPoint } from '../faults.ts';
import { bytesIn } from '../host/files/bytes-in.ts';
import { entriesIfPresent } from '../host/files/files.ts';
import { deleteRefs, pruneObjects, writeRef } from '../host/ostree/program.ts';
import { isRepository, listNestedRefs, listRefs, resolveRef } from '../host/ostree/refs.ts';
import { sweepStaging } from '../host/ostree/staging.ts';
import { blobRef, isBlobName, REF_FOLDER } from './names/refs.ts';
import { removeLeftOverClaims } from './store/claims.ts';
import { lockRepository } from './store/lock.ts';
import { blobsOfPulls, removeLeftOverPulls } from './store/pulls.ts';
import { blobsOfCommits, blobsOfTags, commitsOfTags, isReadable } from './store/reachable.ts';
import { removeStaleFolder } from './store/stale-folder.ts';

/** Refs that hold the images of deployments whose tag is gone; the Python tool does not look there. */
const DEPLOYED_FOLDER = 'atomic-deployed';

/**
 * Deletes the layers and configurations that neither a tagged image nor a deployment needs, names that nobody could
 * look up, everything in the repository that is then out of reach, and downloads that a kill has left.
 *
 * @param deployed the commits that deployments record as that of their image; they stay as long as they are there
 * @returns how many bytes were freed
 */
export async function pruneImages(context: Context, deployed: ReadonlySet<string>): Promise<number> {
  const { repository } = context.paths;
  const left = await freeLeftOvers(context);
  if (!isRepository(repository)) return left;
  await using _lock = await lockRepository(context);
  const refs = superfluousRefs(context, deployed);
  await deleteRefs(context, repository, refs);
  for (const ref of refs) note(context, `Deleting ${ref}`);
  await holdDeployed(context, deployed);
  await faultPoint(context, 'prune.refs');
  const freed = await freeObjects(context);
  await faultPoint(context, 'prune.objects');
  await removeLayerCheckouts(context);
  return left + freed;
}

/** Removes what killed pulls had downloaded or not yet imported, and returns how many bytes it had. */
async function freeLeftOvers(context: Context): Promise<number> {
  let freed = 0;
  const count = (path: string) => {
    freed += bytesIn(path);
  };
  await removeLeftOverPulls(context, count);
  await sweepStaging(context, context.paths.repository, count);
  removeLeftOverClaims(context);
  return freed;
}

function superfluousRefs(context: Context, deployed: ReadonlySet<string>): readonly string[] {
  const { repository } = context.paths;
  const needed = new Set([
    ...blobsOfTags(context),
    ...blobsOfCommits(context, deployed),
    ...blobsOfPulls(context),
  ]);
  const blobs = listRefs(repository, REF_FOLDER).filter((name) => isBlobName(name) && !needed.has(name));
  // a name with a slash is never looked up: `encodeRef` writes `_2F`
  return [...blobs, ...listNestedRefs(repository, REF_FOLDER)].map(blobRef);
}

/** Gives the commits that only deployments know a ref, and takes it from those that none knows any more. */
async function holdDeployed(context: Context, deployed: ReadonlySet<string>): Promise<void> {
  const { repository } = context.paths;
  const tagged = commitsOfTags(context);
  const held = listRefs(repository, DEPLOYED_FOLDER);
  const wanted = [...deployed].filter((commit) => !tagged.has(commit) && isReadable(context, commit));
  for (const commit of wanted.filter((one) => !held.includes(one)))
    await writeRef(context, repository, `${DEPLOYED_FOLDER}/${commit}`, commit);
  const dropped = held.filter((commit) => !wanted.includes(commit));
  await deleteRefs(
    context,
    repository,
    dropped.map((commit) => `${DEPLOYED_FOLDER}/${commit}`),
  );
}

async function freeObjects(context: Context): Promise<number> {
  const { repository } = context.paths;
  try {
    return await pruneObjects(context, repository);
  } catch (error) {
    if (!(error instanceof AtomicError)) throw error;
    const { exitCode, message } = error;
    const hint = "see 'atomic images verify --all --storage=ostree'";
    throw new AtomicError(`cannot free space in ${repository}: ${message}`, { exitCode, hint, cause: error });
  }
}

/** Checkouts of single layers (`.storage/HEX`) go with their layer; whatever else lies there is not ours. */
async function removeLayerCheckouts(context: Context): Promise<void> {
  const { storage, repository } = context.paths;
  for (const entry of entriesIfPresent(storage)) {
    const isLayer = entry.isDirectory() && isBlobName(entry.name);
    if (isLayer && resolveRef(repository, blobRef(entry.name)) === undefined)
      await removeStaleFolder(context, join(storage, entry.name));
  }
}
