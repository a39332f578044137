/** Where images are and come from. `--storage`: of the backends that the Python tool had, only OSTree is left. */
import { AtomicError, NotFoundError } from '../errors.ts';

/**
 * Checks the backend that a command was asked to use.
 *
 * @param command what does the same to Docker
 * @throws AtomicError for docker, and for a name that never was one
 */
export function requireOstree(storage: string | undefined, command?: string): void {
  if (storage === undefined || storage === 'ostree') return;
  if (storage === 'docker')
    throw new AtomicError("The 'docker' backend appears unavailable/inactive", { hint: notDocker(command) });
  throw new AtomicError(`Unable to associate string '${storage}' with backend`);
}

/**
 * Does some work on what a person named. compat: whoever named the storage as well is told in other words that it is not
 * there.
 *
 * @param notFound these words, for the name
 * @throws NotFoundError in these words, and whatever else `work` throws
 */
export async function inStorage<Result>(
  storage: string | undefined,
  work: () => Result | Promise<Result>,
  notFound = (name: string) => `Unable to find ${name} in the ostree backend`,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (storage === undefined || !(error instanceof NotFoundError)) throw error;
    const { subject, hint } = error;
    throw new NotFoundError(subject, notFound(subject), { cause: error, ...(hint && { hint }) });
  }
}

/** What there is to say to somebody who wants something of Docker. */
export function notDocker(command?: string): string {
  const instead = command === undefined ? 'use the docker command for others' : `use '${command}'`;
  return `this program manages system containers only; ${instead}`;
}

/** What an image may be called on the command line, for the help. */
export const IMAGE_HELP =
  'the image: [http:]NAME[:TAG] in a registry, docker:NAME[:TAG], containers-storage:NAME[:TAG], dockertar:FILE, ' +
  'oci:DIRECTORY[:TAG], oci-archive:FILE[:TAG] or dir:DIRECTORY';
