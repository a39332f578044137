import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ToolError } from '../../../../src/errors.ts';
import { syncFileSystem } from '../../../../src/host/files/sync-file-system.ts';
import { createProcesses } from '../../../../src/host/process.ts';
import { contextFor } from '../../support/context.ts';
import { useEmptyDirectory } from '../../support/directory.ts';

const directory = useEmptyDirectory();
const calls = join(directory, 'calls');

/** A machine whose sync(1) notes how it is called, and then does what `script` says. */
function hostWith(script: string) {
  const { log } = contextFor();
  const tool = join(directory, 'sync');
  writeFileSync(tool, `#!/bin/sh\necho "$*" >>${calls}\n${script}\n`);
  chmodSync(tool, 0o755);
  return {
    ...contextFor(),
    processes: createProcesses({ env: { PATH: `${directory}:/usr/bin:/bin` }, log }),
  };
}

describe('syncFileSystem', () => {
  it('syncs the one file system', async () => {
    await syncFileSystem(hostWith('exit 0'), '/some/path');

    expect(readFileSync(calls, 'utf8')).toBe('--file-system -- /some/path\n');
  });

  it('syncs all of them where sync knows no other way', async () => {
    const old = `case "$*" in *--file*) echo "sync: unrecognized option '--file-system'" >&2; exit 1;; esac`;

    await syncFileSystem(hostWith(old), '/some/path');

    expect(readFileSync(calls, 'utf8')).toBe('--file-system -- /some/path\n\n');
  });

  it('does not hide that a disk fails', async () => {
    const broken = hostWith('echo "sync: error syncing: Input/output error" >&2; exit 1');

    await expect(syncFileSystem(broken, '/some/path')).rejects.toThrow(ToolError);
    expect(existsSync(calls) && readFileSync(calls, 'utf8')).toBe('--file-system -- /some/path\n');
  });
});
