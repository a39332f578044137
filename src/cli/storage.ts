/** Where images are and come from. `--storage`: of the backends that the Python tool had, only OSTree is left. */
import { AtomicError } from '../errors.ts';

/**
 * Checks the backend that a command was asked to use.
 *
 * @throws AtomicError for docker, and for a name that never was one
 */
export function requireOstree(storage: string | undefined): void {
  if (storage === undefined || storage === 'ostree') return;
  if (storage === 'docker') {
    throw new AtomicError("The 'docker' backend appears unavailable/inactive", {
      hint: 'this program manages system containers only; use the docker command for others',
    });
  }
  throw new AtomicError(`Unable to associate string '${storage}' with backend`);
}

/** What an image may be called on the command line, for the help. */
export const IMAGE_HELP =
  'the image: [http:]NAME[:TAG] in a registry, docker:NAME[:TAG], containers-storage:NAME[:TAG], dockertar:FILE, ' +
  'oci:FOLDER[:TAG], oci-archive:FILE[:TAG] or dir:FOLDER';
