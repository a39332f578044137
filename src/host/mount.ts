/** mount(8) and umount(8), and the kernel's table of mounts. */
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import type { Host } from './host.ts';

const READ_ONLY = 'ro,nosuid,nodev';

/** An overlay: `upper` takes what is written, so that `lower` never changes. */
export interface Overlay {
  readonly lower: string;
  readonly upper: string;
  readonly work: string;
}

/** Mounts an overlay on a folder. */
export async function mountOverlay(
  host: Host,
  { lower, upper, work }: Overlay,
  folder: string,
): Promise<void> {
  const options = `lowerdir=${escaped(lower)},upperdir=${escaped(upper)},workdir=${escaped(work)}`;
  await host.processes.run({ tool: 'mount', args: ['-t', 'overlay', '-o', options, 'overlay', folder] });
}

/** A colon separates lower folders, a comma options (Documentation/filesystems/overlayfs.rst). */
function escaped(path: string): string {
  return path.replaceAll(/[\\:,]/g, '\\$&');
}

/** A view of a folder that nobody can write through: without an upper folder, the kernel refuses `remount,rw`, too. */
export interface View {
  readonly lower: string;
  /** An empty folder: the kernel wants two. */
  readonly empty: string;
  /** What the mount table shows as the source. */
  readonly label: string;
}

/** Mounts a read-only view on a folder. */
export async function mountView(host: Host, { lower, empty, label }: View, folder: string): Promise<void> {
  const options = `${READ_ONLY},lowerdir=${escaped(lower)}:${escaped(empty)}`;
  await host.processes.run({ tool: 'mount', args: ['-t', 'overlay', '-o', options, label, folder] });
}

/** Mounts `source` on a folder, read-only; for a moment, files can be written to. */
export async function bindReadOnly(host: Host, source: string, folder: string): Promise<void> {
  await host.processes.run({ tool: 'mount', args: ['-o', `bind,${READ_ONLY}`, '--', source, folder] });
}

/**
 * Unmounts what is mounted on `folder`.
 *
 * @throws ToolError when somebody uses it
 */
export async function unmount(host: Host, folder: string): Promise<void> {
  await host.processes.run({ tool: 'umount', args: ['--', folder], env: { LC_ALL: 'C' } });
}

/** Unmounts whatever is mounted on `folder`, as soon as nobody uses it any more. */
export async function unmountLazily(host: Host, folder: string): Promise<void> {
  await host.processes.run({ tool: 'umount', args: ['--lazy', '--', folder] });
}

/** One line of the mount table. */
export interface MountEntry {
  /** Where it is mounted. */
  readonly point: string;
  /** The folder of its file system that is mounted there. */
  readonly root: string;
  /** What mount(8) was given as the device. */
  readonly source: string;
}

/** What is mounted in this process's mount namespace, the newest last (proc_pid_mountinfo(5)). */
export function mountTable(): readonly MountEntry[] {
  return readFileSync('/proc/self/mountinfo', 'utf8').trim().split('\n').map(parseMount);
}

/** Parses a line of mountinfo; blanks in its fields are escaped. */
export function parseMount(line: string): MountEntry {
  const [before = '', after = ''] = line.split(' - ');
  const [, , , root = '', point = ''] = before.split(' ').map(unescaped);
  const [, source = ''] = after.split(' ').map(unescaped);
  return { point, root, source };
}

/** The folders on which something is mounted, the innermost last. */
export function mountPoints(): readonly string[] {
  return mountTable().map(({ point }) => point);
}

/**
 * The folders at and below `path` on which something is mounted, the innermost last. The mount table has no links in it:
 * those on the way to `path` are followed.
 */
export function mountsBelow(path: string): readonly string[] {
  const parent = dirname(path);
  if (!existsSync(parent)) return [];
  const real = join(realpathSync(parent), basename(path));
  return mountPoints().filter((point) => point === real || point.startsWith(`${real}/`));
}

/**
 * The path by which the mount that holds `path` has `directory`, when it has it: a directory of one file system can be
 * mounted in several places.
 *
 * @param path without links, as is `directory`
 */
export function onMountOf(path: string, directory: string, table: readonly MountEntry[]): string | undefined {
  const [mount, other] = [mountOf(path, table), mountOf(directory, table)];
  if (mount === undefined || other === undefined) return undefined;
  const place = join(other.root, relative(other.point, directory));
  const inner = relative(mount.root, place);
  return inner === '..' || inner.startsWith('../') ? undefined : join(mount.point, inner);
}

/** The mount that holds a path: the innermost, and of those on one point the newest. */
function mountOf(path: string, table: readonly MountEntry[]): MountEntry | undefined {
  const holding = table.filter(({ point }) => path === point || path.startsWith(join(point, '/')));
  return holding.reduce<MountEntry | undefined>(
    (best, mount) => (best === undefined || mount.point.length >= best.point.length ? mount : best),
    undefined,
  );
}

/** The kernel writes blanks and backslashes in octal. */
function unescaped(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8)));
}
