/** mount(8) and umount(8), and what the kernel says is mounted. */
import { readFileSync } from 'node:fs';
import type { Host } from './host.ts';

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

/** Takes away whatever is mounted on `folder`, as soon as nobody uses it any more. */
export async function unmountLazily(host: Host, folder: string): Promise<void> {
  await host.processes.run({ tool: 'umount', args: ['--lazy', '--', folder] });
}

/** The mount points of this process's mount namespace, the innermost last (proc_pid_mountinfo(5)). */
export function mountPoints(): readonly string[] {
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').trim().split('\n');
  return lines.map((line) => unescaped(line.split(' ')[4] ?? ''));
}

/** The kernel writes blanks and backslashes in octal. */
function unescaped(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8)));
}
