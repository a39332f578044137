/** The tmpfiles.d file of a container: the image's template, or what its bind mounts lack on this host. */
import { exists } from '../../host/files/files.ts';
import type { User } from '../../host/host.ts';

/**
 * Generates the lines that create the missing sources of bind mounts as folders (tmpfiles.d(5), type `d`), or
 * `undefined` when there is nothing to create. A folder `/run/NAME` is always listed, since a reboot removes it;
 * others that exist belong to somebody else, whose mode and owner must not change.
 */
export function generateTmpfiles(
  sources: readonly string[],
  { user, ownFolder }: { user: User; ownFolder: string },
): string | undefined {
  const listed: string[] = [];
  for (const source of new Set(sources)) {
    const isOwn = source === ownFolder || source.startsWith(`${ownFolder}/`);
    if (isOwn || !exists(source)) listed.push(`d    ${quoted(source)}   0700 ${user.uid} ${user.gid} - -\n`);
  }
  return listed.length === 0 ? undefined : listed.join('');
}

/** Blanks and quotes need quoting, and `%` begins a specifier. */
function quoted(path: string): string {
  const escaped = path.replaceAll('%', '%%');
  return /^[^\s"'\\]+$/.test(escaped) ? escaped : `"${escaped.replaceAll(/["\\]/g, '\\$&')}"`;
}
