/** Flushes a whole file system with sync(1), because Node has no syncfs(2). */
import { ToolError } from '../../errors.ts';
import type { Host } from '../host.ts';

/** Writes out everything of the file system that holds `path`. */
export async function syncFileSystem(host: Host, path: string): Promise<void> {
  try {
    await host.processes.run({ tool: 'sync', args: ['--file-system', '--', path], env: { LC_ALL: 'C' } });
  } catch (error) {
    // coreutils before 8.24 can only write out all of them
    if (!(error instanceof ToolError) || !/unrecognized option/.test(error.failure.stderr)) throw error;
    await host.processes.run({ tool: 'sync', args: [] });
  }
}
