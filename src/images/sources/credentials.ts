/** Hands a user name and password to skopeo in a private file. */
import { join } from 'node:path';
import { createFile } from '../../host/files/files.ts';
import type { Reference } from '../names/reference.ts';

/** Where short names go when nothing else is configured. */
const DEFAULT_REGISTRY = 'docker.io';

/**
 * Writes `USER[:PASSWORD]` for the registry of an image into a file of mode 0600 in `folder`, in the format of
 * containers-auth.json(5): arguments can be read by everybody on the host.
 *
 * @returns the path of the file
 */
export async function writeAuthFile(
  folder: string,
  reference: Reference,
  credentials: string,
): Promise<string> {
  const path = join(folder, 'auth.json');
  const withPassword = credentials.includes(':') ? credentials : `${credentials}:`;
  const auth = Buffer.from(withPassword).toString('base64');
  await createFile(
    path,
    JSON.stringify({ auths: { [reference.registry || DEFAULT_REGISTRY]: { auth } } }),
    0o600,
  );
  return path;
}
