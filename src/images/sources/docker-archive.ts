/** Reads archives of `docker save` (https://github.com/moby/docker-image-spec, "Combined Image JSON"). */
import * as z from 'zod/mini';
import type { Context } from '../../context.ts';
import { AtomicError } from '../../errors.ts';
import { readMember } from '../../host/tar/member.ts';
import { parseJson } from '../../json.ts';
import { baseNameOf } from '../names/reference.ts';
import { documentError } from '../store/manifest.ts';

const ArchiveManifest = z
  .array(z.looseObject({ Config: z.optional(z.string()), RepoTags: z.nullish(z.array(z.string())) }))
  .check(z.minLength(1));
/** Images by repository and tag, as they were saved before there was a manifest.json. */
const Repositories = z.record(z.string(), z.record(z.string(), z.string()));

export interface ArchivedImage {
  /** Its place in the archive, from 0; of several images the last one is taken. */
  readonly position: number;
  readonly name: string;
  /** The digest of its configuration; the oldest archives do not say. */
  readonly config: string | undefined;
}

/**
 * Finds the image in an archive, of which only two small files are read.
 *
 * @param file an absolute path
 * @throws AtomicError when it is not such an archive
 */
export async function findInArchive(context: Context, file: string): Promise<ArchivedImage> {
  const manifest = await readMember(context, file, 'manifest.json');
  const hasName = manifest !== undefined && lastEntry(manifest, file).name !== undefined;
  const repositories = hasName ? undefined : await readMember(context, file, 'repositories');
  return describeArchive(file, { manifest, repositories });
}

/** {@link findInArchive} once the files have been read. */
export function describeArchive(
  file: string,
  { manifest, repositories }: Readonly<Record<'manifest' | 'repositories', string | undefined>>,
): ArchivedImage {
  if (manifest === undefined && repositories === undefined) {
    throw new AtomicError(`${file} contains no image of 'docker save'`, {
      hint: "for the archive of an OCI layout use 'oci-archive:'",
    });
  }
  const last = manifest === undefined ? { position: 0 } : lastEntry(manifest, file);
  const { position, name, config } = last;
  return { position, config, name: name ?? firstRepository(repositories, file) ?? baseNameOf(file) };
}

interface LastEntry {
  readonly position: number;
  readonly name?: string | undefined;
  readonly config?: string | undefined;
}

function lastEntry(text: string, file: string): LastEntry {
  const entries = parseJson(ArchiveManifest, text, documentError(`manifest.json in ${file}`));
  const { Config = '', RepoTags } = entries.at(-1) ?? {};
  // the file of the configuration is named after it
  const hex = /(?:^|\/)([0-9a-f]{64})(?:\.json)?$/.exec(Config)?.[1];
  return { position: entries.length - 1, name: RepoTags?.[0], config: hex && `sha256:${hex}` };
}

function firstRepository(text: string | undefined, file: string): string | undefined {
  if (text === undefined) return undefined;
  const [first] = Object.entries(parseJson(Repositories, text, documentError(`repositories in ${file}`)));
  return first && [first[0], ...Object.keys(first[1]).slice(0, 1)].join(':');
}
