/** Generates the tmpfiles.d file of a container whose image has none, from its bind mounts. */
import { lstatSync } from 'node:fs';
import { basename, join } from 'node:path';
import { isErrno } from '../../errors.ts';
import { entriesIfPresent, readIfPresent } from '../../host/files/files.ts';
import type { User } from '../../host/host.ts';

/** What is on the host under a path. */
export type PathState = 'absent' | 'directory' | 'other';

/** What decides which sources of bind mounts are listed. */
export interface TmpfilesFacts {
  readonly user: User;
  /** `/run/NAME`, or what stands for it: always made, for this container alone. */
  readonly ownDirectory: string;
  /** Directories that the image itself brings for the host. */
  readonly brought?: ReadonlySet<string>;
  /** The tmpfiles.d file of the deployment before: what it made below /run is still ours. */
  readonly previous?: string | undefined;
  readonly stateOf?: (path: string) => PathState;
  /** Whether another tmpfiles.d file makes a path at boot. */
  readonly isMadeAtBoot?: (path: string) => boolean;
}

/**
 * Generates the lines that create the missing sources of bind mounts as directories (tmpfiles.d(5), type `d`), or
 * `undefined` when there is nothing to create. A directory below /run is listed even if it exists, since a reboot
 * removes it: without a mode, which leaves one that is there as it is. Any other that exists belongs to somebody else.
 */
export function generateTmpfiles(sources: readonly string[], facts: TmpfilesFacts): string | undefined {
  const lines = [...new Set(sources)].flatMap((source) => lineFor(source, facts) ?? []);
  return lines.length === 0 ? undefined : lines.join('');
}

function lineFor(source: string, facts: TmpfilesFacts): string | undefined {
  const {
    user,
    ownDirectory,
    brought,
    previous = '',
    stateOf = pathState,
    isMadeAtBoot = () => false,
  } = facts;
  const own = `d    ${quoted(source)}   0700 ${user.uid} ${user.gid} - -\n`;
  if (source === ownDirectory || source.startsWith(`${ownDirectory}/`)) return own;
  if (brought?.has(source)) return undefined;
  const state = stateOf(source);
  if (state === 'absent') return own;
  if (state === 'other' || !isLostAtReboot(source)) return undefined;
  if (previous.includes(own)) return own;
  return isMadeAtBoot(source) ? undefined : `d    ${quoted(source)}   - - - - -\n`;
}

/** /run is emptied by a reboot; what systemd and logind have there, they make themselves. */
function isLostAtReboot(path: string): boolean {
  return /^(\/var)?\/run\/(?!systemd($|\/)|user($|\/)|lock$|log$|udev$)./.test(path);
}

/** What is on this host under a path; links are not followed. */
export function pathState(path: string): PathState {
  try {
    const entry = lstatSync(path, { throwIfNoEntry: false });
    if (entry === undefined) return 'absent';
    return entry.isDirectory() ? 'directory' : 'other';
  } catch (error) {
    if (isErrno(error, 'ENOTDIR')) return 'absent';
    throw error;
  }
}

/** Where systemd looks for tmpfiles.d files (tmpfiles.d(5)). */
const DIRECTORIES = ['/etc/tmpfiles.d', '/run/tmpfiles.d', '/usr/lib/tmpfiles.d'];

/** Whether a tmpfiles.d file of this host other than `except` makes `path` at boot. */
export function isMadeAtBoot(path: string, except: string): boolean {
  return DIRECTORIES.some((directory) =>
    entriesIfPresent(directory)
      .filter(({ name }) => name.endsWith('.conf') && name !== basename(except))
      .some(({ name }) => pathsOfTmpfiles(readIfPresent(join(directory, name)) ?? '').includes(path)),
  );
}

/** The paths that the lines of a tmpfiles.d file are about, as they are spelt there. */
export function pathsOfTmpfiles(text: string): readonly string[] {
  return text.split('\n').flatMap((line) => {
    const found = /^[a-zA-Z]\S*\s+(?:"(?<quoted>[^"]*)"|(?<plain>\S+))/.exec(line)?.groups;
    return found?.quoted ?? found?.plain ?? [];
  });
}

/** Blanks and quotes need quoting, and `%` begins a specifier. */
function quoted(path: string): string {
  const escaped = path.replaceAll('%', '%%');
  return /^[^\s"'\\]+$/.test(escaped) ? escaped : `"${escaped.replaceAll(/["\\]/g, '\\$&')}"`;
}
