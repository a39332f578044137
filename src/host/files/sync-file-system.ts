/** Flushes a whole file system with sync(1), because Node has no syncfs(2). */
import type { Host } from '../host.ts';

/** Writes out everything of the file system that holds `path`. */
export async function syncFileSystem(host: Host, path: string): Promise<void> {
  await host.processes.run({ tool: 'sync', args: ['--file-system', '--', path] });
}
