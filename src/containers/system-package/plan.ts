/** Plans the package of a deployment: from the image's own spec file, ready, or made of its labels and host files. */
import { renderTemplate, requireValues, type Values } from '../rendering/template.ts';
import type { PackageSources } from './sources.ts';
import { type PackageTags, type TagSources, tagsOf } from './tags.ts';

/** A package that is to be made, or taken as it is. */
export type PackagePlan =
  | { readonly kind: 'generated'; readonly tags: PackageTags }
  | { readonly kind: 'spec'; readonly spec: string }
  | { readonly kind: 'ready'; readonly source: string };

/**
 * Decides what the package of a deployment is made of.
 *
 * @param isWhole whether the container itself is in it, of which the image's spec file knows nothing
 * @returns `undefined` when there is nothing that could be in it
 * @throws AtomicError when the spec file has a variable without a value, or a label is not valid
 */
export function planPackage(
  sources: PackageSources,
  { values, isWhole, ...tags }: TagSources & { values: Values; isWhole: boolean },
): PackagePlan | undefined {
  if (sources.ready !== undefined) return { kind: 'ready', source: sources.ready };
  if (isWhole) return { kind: 'generated', tags: tagsOf(tags) };
  const { template } = sources;
  if (template !== undefined) {
    requireValues([template], values);
    return { kind: 'spec', spec: renderTemplate(template, values) };
  }
  if (sources.spec !== undefined) return { kind: 'spec', spec: sources.spec };
  return sources.hasHostFiles ? { kind: 'generated', tags: tagsOf(tags) } : undefined;
}
