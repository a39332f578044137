import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Paths } from '../paths.ts';

/** The lock file for writing to the repository; the dot keeps it apart from the locks of containers. */
export function repositoryLock({ locks, repository }: Paths): string {
  const key = createHash('sha256').update(repository).digest('hex').slice(0, 16);
  return join(locks, `.repository-${key}.lock`);
}
