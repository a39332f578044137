/** With ON_HOST=1, this host in the place of a box: its process 1 has to be systemd, and it had better be a throwaway one. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { chmod, mkdir, readlink, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { atExit } from './at-exit.ts';
import type { Box, BoxOptions } from './box-interface.ts';
import { makeDirectory } from './leftovers.ts';
import { PROJECT } from './project.ts';
import { recordOf } from './record.ts';
import { dropInFor } from './registries-conf.ts';
import { runProgram } from './run-program.ts';

/** Where containers and images are: a directory of ours is mounted over it. */
const STORAGE = '/var/lib/containers';
const PROGRAM = '/usr/local/bin/atomic';
const DROP_IN = '/etc/containers/registries.conf.d/atomic-box.conf';

/** Whether tests are to run on this host itself. */
export const isOnHost = process.env.ON_HOST === '1';

/** Makes this host look like a box; disposing of it puts back what was there. Fails when it cannot be one. */
export async function borrowHost({ registry, storage, record }: BoxOptions): Promise<Box> {
  if (storage !== undefined) throw new Error('ON_HOST=1: the power of this host cannot be cut');
  if (readFileSync('/proc/1/comm', 'utf8') !== 'systemd\n')
    throw new Error('ON_HOST=1 needs a host whose process 1 is systemd');
  const isLinked = await linkProgram();
  const data = await makeDirectory('box', '/var/tmp');
  await chmod(data, 0o755);
  const giveBack = () => {
    spawnSync('umount', ['--lazy', STORAGE]);
    for (const path of [data, DROP_IN, ...(isLinked ? [PROGRAM] : [])])
      rmSync(path, { recursive: true, force: true });
  };
  const forget = atExit(giveBack);
  await mkdir(STORAGE, { recursive: true });
  await execa('mount', ['--bind', data, STORAGE]);
  if (registry !== undefined) {
    await mkdir(dirname(DROP_IN), { recursive: true });
    await writeFile(DROP_IN, dropInFor(registry));
  }
  const { run, end } = await recordOf(record, runProgram);
  return {
    containers: data,
    entrance: [],
    run,
    sh: async (line, options) => await run(['sh', '-c', line], options),
    reach: async () => {},
    [Symbol.asyncDispose]: async () => {
      await end();
      forget();
      giveBack();
    },
  };
}

/** Makes `atomic` be the program under test, and says whether a link had to be made for that. */
async function linkProgram(): Promise<boolean> {
  const program = join(PROJECT, 'bin/atomic');
  if (!existsSync(PROGRAM)) {
    rmSync(PROGRAM, { force: true });
    await symlink(program, PROGRAM);
    return true;
  }
  if ((await readlink(PROGRAM).catch(() => '')) !== program)
    throw new Error(`ON_HOST=1: ${PROGRAM} is another program; move it away first`);
  return false;
}
