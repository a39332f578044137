/** Which layers and configurations somebody still needs. */
import type { Context } from '../context.ts';
import { AtomicError } from '../errors.ts';
import { listRefs, readCommit, resolveRef } from '../host/ostree-repository.ts';
import { hexOf, layersOf, parseManifest } from './manifest.ts';
import { decodeRef, isBlobName, REF_FOLDER } from './reference.ts';

/** The encoded names of all tagged images, sorted. */
export function tagNames({ paths }: Context): readonly string[] {
  return listRefs(paths.repository, REF_FOLDER).filter((name) => !isBlobName(name));
}

/** The hex digests of what the tagged images consist of; damaged images are named in a warning. */
export function blobsOfTags(context: Context): ReadonlySet<string> {
  const { repository } = context.paths;
  const blobs = tagNames(context).flatMap((name) => {
    try {
      const commit = resolveRef(repository, `${REF_FOLDER}/${name}`);
      return commit === undefined ? [] : blobsOf(repository, commit);
    } catch (error) {
      if (!(error instanceof AtomicError)) throw error;
      context.report({ kind: 'warning', text: `Skipping image '${decodeRef(name)}': ${error.message}` });
      return [];
    }
  });
  return new Set(blobs);
}

/** The hex digests of what the images of these commits consist of; commits that are gone or damaged need nothing. */
export function blobsOfCommits({ paths }: Context, commits: Iterable<string>): ReadonlySet<string> {
  const blobs = [...commits].flatMap((commit) => {
    try {
      return blobsOf(paths.repository, commit);
    } catch (error) {
      if (error instanceof AtomicError) return [];
      throw error;
    }
  });
  return new Set(blobs);
}

/** The layers and the configuration of the image whose manifest this commit holds. */
function blobsOf(repository: string, commit: string): readonly string[] {
  const { metadata } = readCommit(repository, commit);
  const manifest = parseManifest(metadata.get('docker.manifest') ?? '{}', `the commit ${commit}`);
  const { config } = manifest;
  return [...layersOf(manifest), ...(config === undefined ? [] : [hexOf(config.digest)])];
}
