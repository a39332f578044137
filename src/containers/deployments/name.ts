/** Checks names of containers: a name is a unit, a directory and a runtime id at once. */
import { AtomicError } from '../../errors.ts';
import type { Reference } from '../../images/names/reference.ts';

/** A name that is safe as a path component, in a unit file and as an argument. */
export type ContainerName = string & { readonly __brand: 'ContainerName' };

/** systemd refuses unit names over 255 bytes; the suffixes of slots, units and temporary files need room too. */
const LONGEST = 200;
const SAFE = /^[A-Za-z0-9][A-Za-z0-9_.@-]*$/;

/**
 * Checks a container name as given or derived from an image.
 *
 * @throws AtomicError when it is empty, too long, or holds anything but letters, digits and `_.@-`
 */
export function parseContainerName(text: string): ContainerName {
  if (text === '') throw new AtomicError('Invalid container name', { hint: 'give one with --name NAME' });
  if (text.length > LONGEST) {
    const beginning = JSON.stringify(`${text.slice(0, 32)}…`);
    throw new AtomicError(`Invalid container name ${beginning}: it is longer than ${LONGEST} characters`);
  }
  if (!SAFE.test(text)) {
    throw new AtomicError(`Invalid container name ${JSON.stringify(text)}`, {
      hint: "use letters, digits and '_.@-', beginning with a letter or a digit",
    });
  }
  return text as ContainerName;
}

/** systemd.unit(5): what has one of these endings is a unit of that kind for systemctl, and not that of a container. */
const UNIT_TYPE = /\.(service|socket|device|mount|automount|swap|target|path|timer|slice|scope)$/;

/**
 * Checks the name of a container that is to be made.
 *
 * @throws AtomicError as {@link parseContainerName} does, and for the name of a unit
 */
export function parseNewContainerName(text: string): ContainerName {
  const name = parseContainerName(text);
  const ending = UNIT_TYPE.exec(name)?.[0];
  if (ending === undefined) return name;
  throw new AtomicError(
    `Invalid container name ${JSON.stringify(text)}: it ends like that of a unit, in ${ending}`,
    {
      hint: `use ${name.slice(0, -ending.length)}`,
    },
  );
}

/** Whether a container may be called so. */
export function isContainerName(text: string): text is ContainerName {
  return SAFE.test(text) && text.length <= LONGEST;
}

/** What a container is called when nobody names it: the image, and its tag unless that is `latest`. */
export function defaultContainerName({ image, tag }: Pick<Reference, 'image' | 'tag'>): string {
  return tag === '' || tag === 'latest' ? image : `${image}-${tag}`;
}
