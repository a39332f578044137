/** Finds the layers and configurations that an image or a container still needs. */
import type { Context } from '../../context.ts';
import { orUndefined } from '../../errors.ts';
import { warn } from '../../events.ts';
import { resolveRef } from '../../host/ostree/refs.ts';
import { readCommit } from '../../host/ostree/repository.ts';
import { decodeRef, REF_FOLDER } from '../names/refs.ts';
import { tagNames } from './images.ts';
import { hexOf, layersOf, parseManifest } from './manifest.ts';

/** The commits that the tags hold; damaged refs are left out. */
export function commitsOfTags(context: Context): ReadonlySet<string> {
  const commits = tagNames(context).map((name) => orUndefined(() => commitOf(context, name)));
  return new Set(commits.filter((commit) => commit !== undefined));
}

function commitOf({ paths }: Context, name: string): string | undefined {
  return resolveRef(paths.repository, `${REF_FOLDER}/${name}`);
}

/** The hex digests of what the tagged images consist of; damaged images are named in a warning. */
export function blobsOfTags(context: Context): ReadonlySet<string> {
  const blobs = tagNames(context).flatMap((name) => {
    const found = orUndefined(
      () => blobsOf(context, commitOf(context, name)),
      (error) => warn(context, `Skipping image '${decodeRef(name)}': ${error.line}`),
    );
    return found ?? [];
  });
  return new Set(blobs);
}

/** The hex digests of what the images of these commits consist of; commits that are gone or damaged need nothing. */
export function blobsOfCommits(context: Context, commits: Iterable<string>): ReadonlySet<string> {
  return new Set([...commits].flatMap((commit) => orUndefined(() => blobsOf(context, commit)) ?? []));
}

/** Whether the repository has this commit, undamaged. */
export function isReadable({ paths }: Context, commit: string): boolean {
  return orUndefined(() => readCommit(paths.repository, commit)) !== undefined;
}

/** The layers and the configuration of the image whose manifest this commit holds. */
function blobsOf({ paths }: Context, commit: string | undefined): readonly string[] {
  if (commit === undefined) return [];
  const { metadata } = readCommit(paths.repository, commit);
  const manifest = parseManifest(metadata.get('docker.manifest') ?? '{}', `the commit ${commit}`);
  const { config } = manifest;
  return [...layersOf(manifest), ...(config === undefined ? [] : [hexOf(config.digest)])];
}
