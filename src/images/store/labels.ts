/** Reads the labels of an image. */
import type { Context } from '../../context.ts';
import { type LocalImage, readConfigText } from './images.ts';
import { manifestLabels, parseImageConfig } from './manifest.ts';

export type Labels = Readonly<Record<string, string>>;

/**
 * The labels of an image: those of its manifest, else those of its configuration; none when it has neither.
 *
 * @throws AtomicError when the configuration is damaged
 */
export function labelsOf(context: Context, { manifest, name }: LocalImage): Labels {
  const own = manifestLabels(manifest);
  if (Object.keys(own).length > 0 || manifest.config === undefined) return own;
  const text = readConfigText(context, manifest.config.digest);
  return text === undefined ? {} : (parseImageConfig(text, name).config?.Labels ?? {});
}

/** A label by its name, also when it is written in lower case, Capitalised or in upper case. */
export function labelOf(labels: Labels, name: string): string | undefined {
  const capitalised = name.slice(0, 1).toUpperCase() + name.slice(1).toLowerCase();
  const spelling = [name, name.toLowerCase(), capitalised, name.toUpperCase()].find((key) => key in labels);
  return spelling === undefined ? undefined : labels[spelling];
}

/** `VERSION-RELEASE`, as far as the labels say; `undefined` without a version. */
export function versionIn(labels: Labels): string | undefined {
  const [version, release] = [labelOf(labels, 'Version'), labelOf(labels, 'Release')];
  return version && release ? `${version}-${release}` : version || undefined;
}
