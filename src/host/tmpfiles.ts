/** systemd-tmpfiles(8): creates and removes the directories and files that a service needs. */
import type { Host } from './host.ts';

/** The words of a call, as they are shown and as they are run. */
export function tmpfilesArgv(action: '--create' | '--remove', file: string): readonly string[] {
  return ['systemd-tmpfiles', action, file];
}

/** systemd-tmpfiles(8): 65 says that some lines were bad and ignored, 73 that some could not be carried out. */
const PARTLY_DONE = [65, 73];

/** Creates what `file` lists. */
export async function createTmpfiles(host: Host, file: string): Promise<void> {
  const [tool = '', ...args] = tmpfilesArgv('--create', file);
  await host.processes.run({ tool, args });
}

/** Removes what `file` marks for removal; what cannot be removed stays. */
export async function removeTmpfiles(host: Host, file: string): Promise<void> {
  const [tool = '', ...args] = tmpfilesArgv('--remove', file);
  await host.processes.run({ tool, args, expected: [1, ...PARTLY_DONE] });
}
