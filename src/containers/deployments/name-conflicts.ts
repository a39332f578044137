/** Containers whose names cannot stand beside each other: NAME, and NAME.0 or NAME.1, which its deployments are called. */
import type { Context } from '../../context.ts';
import { AtomicError } from '../../errors.ts';
import { exists, readLinkIfPresent } from '../../host/files/files.ts';
import { type Container, containerOf } from './container.ts';
import { isContainerName } from './name.ts';

/** The container NAME of which NAME.0 or NAME.1 would be a deployment, whether there is one or not. */
export function stemOf(context: Context, { name }: Container): Container | undefined {
  const stem = /^(.*)\.[01]$/.exec(name)?.[1];
  return stem !== undefined && isContainerName(stem) ? containerOf(context, stem) : undefined;
}

/**
 * Makes sure that a container to be, and its deployments, would not be called as another container or its deployments
 * are. The {@link stemOf} of its name has to be locked, too.
 *
 * @throws AtomicError that names the other one
 */
export function requireOwnNames(context: Context, container: Container): void {
  const { name, slots } = container;
  const hint = 'choose another --name';
  const stem = stemOf(context, container);
  if (stem !== undefined && isContainer(stem))
    throw new AtomicError(
      `Invalid container name '${name}': it is kept for a deployment of the container '${stem.name}'`,
      { hint },
    );
  const other = slots.find((_, slot) => {
    const text = `${name}.${slot}`;
    return isContainerName(text) && isContainer(containerOf(context, text));
  });
  if (other !== undefined)
    throw new AtomicError(`Invalid container name '${name}': ${other} is a container of its own`, { hint });
}

/** Be it one that is on its way, or was cut short. */
function isContainer({ link, marker }: Container): boolean {
  return readLinkIfPresent(link) !== undefined || exists(marker);
}
