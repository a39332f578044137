/** What an image says of itself: its labels. */
import type { Context } from '../context.ts';
import { readCommit, readRootFile, resolveRef } from '../host/ostree-repository.ts';
import { hexOf, manifestLabels, parseImageConfig } from './manifest.ts';
import { blobRef } from './reference.ts';
import type { LocalImage } from './store.ts';

export type Labels = Readonly<Record<string, string>>;

/**
 * The labels of an image: those of its manifest, else those of its configuration; none when it has neither.
 *
 * @throws AtomicError when the configuration is damaged
 */
export function labelsOf({ paths }: Context, { manifest, name }: LocalImage): Labels {
  const own = manifestLabels(manifest);
  if (Object.keys(own).length > 0 || manifest.config === undefined) return own;
  const checksum = resolveRef(paths.repository, blobRef(hexOf(manifest.config.digest)));
  if (checksum === undefined) return {};
  const commit = readCommit(paths.repository, checksum);
  const content = readRootFile(paths.repository, commit, 'content');
  return parseImageConfig(content.toString(), name).config?.Labels ?? {};
}

/** A label by its name, also when it is written in lower case, Capitalised or in upper case. */
export function labelOf(labels: Labels, name: string): string | undefined {
  const capitalised = name.slice(0, 1).toUpperCase() + name.slice(1).toLowerCase();
  const spelling = [name, name.toLowerCase(), capitalised, name.toUpperCase()].find((key) => key in labels);
  return spelling === undefined ? undefined : labels[spelling];
}
