/** `atomic images info --remote`: reads the labels of an image in its registry. */
import type { Context } from '../context.ts';
import { AtomicError } from '../errors.ts';
import { parseReference } from './names/reference.ts';
import { fetchLabels, registryImage } from './sources/registry.ts';
import { type Labels, labelOf } from './store/labels.ts';

/**
 * The labels of an image in its registry; nothing is pulled.
 *
 * @throws AtomicError when the registry refuses, or the name is not one of a registry
 */
export async function remoteLabels(context: Context, name: string): Promise<Labels> {
  return await fetchLabels(context, registryImage(parseReference(name), 'inspect'));
}

/** Whether an image in a registry says that it is a system container; one that cannot be asked does not. */
export async function isSystemImage(context: Context, name: string): Promise<boolean> {
  try {
    return labelOf(await remoteLabels(context, name), 'atomic.type') === 'system';
  } catch (error) {
    if (!(error instanceof AtomicError)) throw error;
    return false;
  }
}
