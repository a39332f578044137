/** SELinux: whether it is enabled, and the labels that files get. Where it is not, nothing is called. */
import { existsSync } from 'node:fs';
import type { Host } from './host.ts';

/** The directory of the policies that are installed. */
export const POLICIES = '/etc/selinux';

/** Whether the kernel enforces a policy, or only reports; is_selinux_enabled(3) looks for the same two. */
export function isSelinuxEnabled(): boolean {
  return existsSync('/sys/fs/selinux/enforce') && existsSync(`${POLICIES}/config`);
}

/** The class of a file, as policies call it. */
export type FileClass = 'file' | 'dir' | 'symlink';

/** What matchpathcon(8) prints for a path that is to keep the label that it gets by itself. */
const NO_LABEL = '<<none>>';

/**
 * The labels that the policy has for absolute paths, whatever is there now; `undefined` for those that it leaves alone.
 *
 * @throws ToolMissingError, ToolError
 */
export async function labelsOfPaths(
  host: Host,
  fileClass: FileClass,
  paths: readonly string[],
): Promise<readonly (string | undefined)[]> {
  const args = ['-n', '-m', CLASSES[fileClass], '--', ...paths];
  const { stdout } = await host.processes.run({ tool: 'matchpathcon', args, env: { LC_ALL: 'C' } });
  const labels = stdout.trimEnd().split('\n');
  return paths.map((_, index) => (labels[index] === NO_LABEL ? undefined : labels[index] || undefined));
}

const CLASSES: Readonly<Record<FileClass, string>> = { file: 'file', dir: 'dir', symlink: 'lnk_file' };

/**
 * Gives files a label, links themselves included.
 *
 * @throws ToolError when the file system, or the policy, does not allow it
 */
export async function setLabel(host: Host, label: string, paths: readonly string[]): Promise<void> {
  const args = ['--no-dereference', '--', label, ...paths];
  await host.processes.run({ tool: 'chcon', args, env: { LC_ALL: 'C' } });
}

/**
 * Gives a directory the label of `/`, which the root of a container is to have; as root, where SELinux is enabled.
 *
 * @throws ToolError when the file system, or the policy, does not allow it
 */
export async function labelAsRoot(host: Host, folder: string): Promise<void> {
  if (!host.user.isRoot || !isSelinuxEnabled()) return;
  await host.processes.run({ tool: 'chcon', args: ['--reference=/', '--', folder], env: { LC_ALL: 'C' } });
}
