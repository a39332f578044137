/** Gives what is new on the host the labels of SELinux that the policy has for its place. */
import { basename, dirname, join } from 'node:path';
import type { Context } from '../../context.ts';
import { lineOf, ToolError, ToolMissingError } from '../../errors.ts';
import { warn } from '../../events.ts';
import type { Directory } from '../../host/files/directory.ts';
import { type FileClass, isSelinuxEnabled, labelsOfPaths, setLabel } from '../../host/selinux.ts';
import { openOnHost } from '../host-files/host-path.ts';
import { printable } from '../host-files/notes.ts';

/** So many names at once, far below what the kernel allows. */
const BATCH = 500;

/**
 * Labels new files for the directory that they are going to, while they are still in one that only root can enter: at
 * no time anybody finds them with another label. Nothing is done where SELinux is not enabled; a label that cannot be
 * set is named in a warning.
 */
export async function labelFiles(
  context: Context,
  directory: Directory,
  { names, place }: { names: readonly string[]; place: string },
): Promise<void> {
  if (!isSelinuxEnabled()) return;
  const files = names.map((name) => ({
    path: join(place, name),
    isLink: directory.stat(name)?.isSymbolicLink() === true,
    now: `${directory.forPrograms}/${name}`,
  }));
  await label(
    context,
    'symlink',
    files.filter(({ isLink }) => isLink),
  );
  await label(
    context,
    'file',
    files.filter(({ isLink }) => !isLink),
  );
}

/** Labels new directories, before anything is put into them; otherwise as {@link labelFiles}. */
export async function labelDirectories(
  context: Context,
  host: Directory,
  paths: readonly string[],
): Promise<void> {
  if (!isSelinuxEnabled()) return;
  for (const path of paths) {
    using parent = openOnHost(host, dirname(path));
    if (parent?.stat(basename(path))?.isDirectory() !== true) continue;
    await label(context, 'dir', [{ path, now: `${parent.forPrograms}/${basename(path)}` }]);
  }
}

/** Something to label: under which path it is to be looked up, and under which it is now. */
interface Unlabelled {
  readonly path: string;
  readonly now: string;
}

async function label(context: Context, fileClass: FileClass, files: readonly Unlabelled[]): Promise<void> {
  for (let start = 0; start < files.length; start += BATCH) {
    const batch = files.slice(start, start + BATCH);
    try {
      const labels = await labelsOfPaths(
        context,
        fileClass,
        batch.map(({ path }) => path),
      );
      for (const each of new Set(labels)) {
        const group = batch.filter((_, index) => labels[index] === each);
        if (each !== undefined)
          await setLabel(
            context,
            each,
            group.map(({ now }) => now),
          );
      }
    } catch (error) {
      if (!(error instanceof ToolError || error instanceof ToolMissingError)) throw error;
      const first = printable(batch[0]?.path ?? '');
      warn(context, `SELinux labels are not set (${first}): ${printable(lineOf(error))}`);
    }
  }
}
