/** Reads OCI layouts: https://github.com/opencontainers/image-spec/blob/main/image-layout.md */
import { AtomicError } from '../../errors.ts';
import { digestOf } from '../../host/skopeo.ts';
import { annotatedName, hexOf, type Manifest, parseManifest } from '../store/manifest.ts';
import { mismatch } from './pullable-image.ts';

/** A layout in a folder or in an archive. */
export interface Layout {
  /** The path, for messages. */
  readonly path: string;
  /** The text of a file of the layout, `undefined` when there is none. */
  read(file: string): Promise<string | undefined>;
}

/** Where a layout has a manifest, a configuration or a layer. */
export function blobPath({ digest }: { readonly digest: string }): string {
  return `blobs/sha256/${hexOf(digest)}`;
}

type Entry = NonNullable<Manifest['manifests']>[number];

/**
 * Finds an image in the index of a layout.
 *
 * @param tag as the index has it; '' for the only image
 * @throws AtomicError when it is no layout, or has no such image, with those that there are
 */
export async function findInLayout(layout: Layout, tag: string): Promise<Entry> {
  const { path } = layout;
  const index = (await layout.read('oci-layout')) && (await layout.read('index.json'));
  if (index === undefined || index === '') throw new AtomicError(`${path} is not an OCI layout`);
  const entries = parseManifest(index, path).manifests ?? [];
  const matching = tag === '' ? entries : entries.filter((entry) => annotatedName(entry) === tag);
  const [entry, another] = matching;
  const names = entries.map(annotatedName).filter((name) => name !== undefined);
  if (entry === undefined)
    throw new AtomicError(`${path} has no image '${tag}', only: ${names.join(', ') || 'none with a name'}`);
  if (another !== undefined && tag === '')
    throw new AtomicError(`${path} has several images`, { hint: `name one of: ${names.join(', ')}` });
  return entry;
}

/**
 * Refuses a layout whose manifest is not what its index says; skopeo verifies everything that it leads to, but not this.
 *
 * @throws AtomicError
 */
export async function verifyEntry(layout: Layout, entry: Entry): Promise<void> {
  const { digest } = entry;
  const text = await layout.read(blobPath(entry));
  if (text === undefined) throw new AtomicError(`${layout.path} lacks the manifest ${digest}`);
  if (digestOf(text) !== digest) throw mismatch(`the manifest in ${layout.path}`, digestOf(text), digest);
}
