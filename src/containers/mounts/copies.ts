/** Copies the files of an image for users who cannot mount, and removes the copies. */
import { chmodSync, lstatSync, readdirSync, renameSync, rmdirSync, unlinkSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import * as z from 'zod/mini';
import type { Context } from '../../context.ts';
import { AtomicError } from '../../errors.ts';
import { faultPoint } from '../../faults.ts';
import { exists, readIfPresent, replaceFile } from '../../host/files/files.ts';
import { mountsBelow } from '../../host/mount.ts';
import { checkoutImage } from '../../images/layers/checkout.ts';
import type { LocalImage } from '../../images/store/images.ts';
import { type MountDirectory, writeRecord } from './record.ts';

/** Paths, relative to the directory, each with its {@link fingerprint}. */
const Fingerprints = z.array(z.tuple([z.string(), z.string()]));

type Fingerprints = z.infer<typeof Fingerprints>;

const WRITABLE = 0o700;

const fingerprintsFile = ({ path }: MountDirectory) => join(path, 'files.json');
/** The files are first put here: all of it is ours, whenever we are killed. */
const stagingIn = (target: string, { path }: MountDirectory) => join(target, `.atomic${basename(path)}`);

/** Puts copies of an image's files into `target`, and on record what was put there. */
export async function extractImage(
  context: Context,
  image: LocalImage,
  directory: MountDirectory,
  target: string,
): Promise<void> {
  const staging = stagingIn(target, directory);
  const root = join(staging, 'root');
  await mkdir(root, { recursive: true });
  await checkoutImage(context, image, root, { isWritable: true });
  await replaceFile(fingerprintsFile(directory), JSON.stringify(fingerprintsOf(root)), 0o600);
  await faultPoint(context, 'mount.extracted');
  for (const name of readdirSync(root)) move(join(root, name), join(target, name));
  rmdirSync(root);
  rmdirSync(staging);
  await writeRecord(directory, { target, state: 'extracted' });
}

function fingerprintsOf(root: string, inner = ''): Fingerprints {
  return readdirSync(join(root, inner), { withFileTypes: true }).flatMap((entry) => {
    const path = join(inner, entry.name);
    const below = entry.isDirectory() ? fingerprintsOf(root, path) : [];
    return [[path, fingerprint(join(root, path)) ?? ''], ...below];
  });
}

/** Equal for a file that has been left alone, wherever it was moved to, and for a directory whatever is in it. */
function fingerprint(path: string): string | undefined {
  const found = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  if (found === undefined) return undefined;
  return found.isDirectory() ? `folder ${found.ino}` : `${found.ino} ${found.size} ${found.mtimeNs}`;
}

/** To move a directory, one has to be allowed to write to it: its `..` changes (rename(2)). */
function move(from: string, to: string): void {
  const found = lstatSync(from);
  const isLocked = found.isDirectory() && (found.mode & WRITABLE) !== WRITABLE;
  if (isLocked) chmodSync(from, found.mode | WRITABLE);
  renameSync(from, to);
  if (isLocked) chmodSync(to, found.mode);
}

/**
 * Removes from `target` what was put there, finished or not; what was changed or added since stays.
 *
 * @returns the paths of what stays
 * @throws AtomicError when something is mounted in it; nothing has been removed then
 */
export function removeExtracted(directory: MountDirectory, target: string): readonly string[] {
  const staging = stagingIn(target, directory);
  const [point] = mountsBelow(target).filter((path) => path !== target);
  if (point !== undefined)
    throw new AtomicError(`cannot remove what was put into ${target}: something is mounted on ${point}`, {
      hint: `use 'umount ${point}', then try again`,
    });
  if (exists(staging)) {
    removeEntries(staging, () => true);
    rmdirSync(staging);
  }
  if (!exists(target) || !exists(fingerprintsFile(directory))) return [];
  const known = readFingerprints(directory);
  return removeEntries(target, (path, inner) => known.get(inner) === fingerprint(path));
}

/** Of what is not on record, or on a damaged one, nothing is ours. */
function readFingerprints(directory: MountDirectory): ReadonlyMap<string, string> {
  const text = readIfPresent(fingerprintsFile(directory)) ?? '[]';
  try {
    return new Map(Fingerprints.safeParse(JSON.parse(text)).data ?? []);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return new Map();
  }
}

function removeEntries(
  root: string,
  isOurs: (path: string, inner: string) => boolean,
  inner = '',
): readonly string[] {
  return readdirSync(join(root, inner)).flatMap((name) => {
    const [path, within] = [join(root, inner, name), join(inner, name)];
    if (!isOurs(path, within)) return [path];
    if (!lstatSync(path).isDirectory()) {
      unlinkSync(path);
      return [];
    }
    chmodSync(path, WRITABLE);
    const kept = removeEntries(root, isOurs, within);
    if (kept.length === 0) rmdirSync(path);
    return kept;
  });
}
