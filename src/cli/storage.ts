/** Where images are and come from. `--storage`: of the backends that the Python tool had, only OSTree is left. */
import { AtomicError } from '../errors.ts';

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

/** What there is to say to somebody who wants something of Docker. */
export function notDocker(command?: string): string {
  const instead = command === undefined ? 'use the docker command for others' : `use '${command}'`;
  return `this program manages system containers only; ${instead}`;
}

/** What an image may be called on the command line, for the help. */
export const IMAGE_HELP =
  'the image: [http:]NAME[:TAG] in a registry, docker:NAME[:TAG], containers-storage:NAME[:TAG], dockertar:FILE, ' +
  'oci:DIRECTORY[:TAG], oci-archive:FILE[:TAG] or dir:DIRECTORY';
