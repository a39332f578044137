import { AtomicError } from '../errors.ts';
import type { ImageSource } from '../host/skopeo.ts';
import type { Reference } from './reference.ts';

/**
 * An image in its registry, for what is done there besides pulling.
 *
 * @throws AtomicError when the reference is to another source
 */
export function registryImage(
  { transport, name }: Reference,
  purpose: NonNullable<ImageSource['purpose']>,
): ImageSource {
  if (transport !== 'registry' && transport !== 'insecure')
    throw new AtomicError(`cannot ${purpose} ${name} in a registry: '${transport}:' is not one`);
  return {
    location: `docker://${name}`,
    shownAs: name,
    isInsecure: transport === 'insecure',
    authFile: undefined,
    purpose,
  };
}
