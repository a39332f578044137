/** Claims on layers, so that pulls at the same time do not all do the same work. */
import { lstatSync, mkdirSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Context } from '../../context.ts';
import { isErrno } from '../../errors.ts';
import { entriesIfPresent } from '../../host/files/files.ts';
import { isAlive, processName } from '../../host/process-name.ts';

/** Milliseconds: whoever takes longer is hung, or has a registry that others need not wait for. */
const LIFETIME = 60_000;

/** A claim is a link `.layer-HEX` that leads to the name of a process: it comes into being whole, or not at all. */
const PREFIX = '.layer-';

/**
 * Layers that this command is about to import; disposing of it leaves them to others. It is a hint and no lock: what two
 * have imported is let in only once (`host/ostree/staging.ts`), so that the worst that a lost claim does is work.
 */
export interface Claims extends Disposable {
  /** Their digests, without `sha256:`. */
  readonly hexes: ReadonlySet<string>;
}

/**
 * Claims those layers that nobody else has claimed in the last minute; never waits.
 *
 * @param hexes their digests, without `sha256:`; the repository has to be there
 */
export function claimLayers(context: Context, hexes: readonly string[]): Claims {
  const place = placeOf(context);
  const [owner, claimed] = [processName(), new Set<string>()];
  mkdirSync(place, { recursive: true });
  const pathOf = (hex: string) => join(place, PREFIX + hex);
  for (const hex of new Set(hexes)) if (claim(pathOf(hex), owner)) claimed.add(hex);
  const free = () => {
    // somebody may have taken it over
    for (const hex of claimed) if (ownerOf(pathOf(hex)) === owner) rmSync(pathOf(hex), { force: true });
  };
  return { hexes: claimed, [Symbol.dispose]: free };
}

/** Removes the claims that nobody respects any more. */
export function removeLeftOverClaims(context: Context): void {
  const place = placeOf(context);
  for (const { name } of entriesIfPresent(place)) {
    const path = join(place, name);
    if (name.startsWith(PREFIX) && isStale(path)) rmSync(path, { recursive: true, force: true });
  }
}

/** Others cannot write there, and no claim has to be on the disk. */
function placeOf({ paths }: Context): string {
  return join(paths.repository, 'tmp');
}

function claim(path: string, owner: string): boolean {
  if (isStale(path)) rmSync(path, { recursive: true, force: true });
  try {
    symlinkSync(owner, path);
    return true;
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return false;
    throw error;
  }
}

/** Whether there is something, and it is no claim that others have to respect. */
function isStale(path: string): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return false;
  // no claim is of the future: the clock has been set back
  if (!found.isSymbolicLink() || Math.abs(Date.now() - found.mtimeMs) > LIFETIME) return true;
  const owner = ownerOf(path);
  return owner !== undefined && !isAlive(owner);
}

function ownerOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'EINVAL')) return undefined;
    throw error;
  }
}
