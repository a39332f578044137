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

/**
 * Makes a function that writes out everything of the file system that holds `path`. Those who call it while it works
 * wait together for the next time: what they have written may have come too late for this one.
 */
export function sharedFlush(host: Host, path: string): () => Promise<void> {
  let current: Promise<void> = Promise.resolve();
  let next: Promise<void> | undefined;
  const flush = async (before: Promise<void>) => {
    await before.catch(() => undefined);
    current = next ?? current;
    next = undefined;
    await syncFileSystem(host, path);
  };
  return async () => {
    next ??= flush(current);
    await next;
  };
}
