/** A throwaway machine with a real systemd: this machine's own root under an overlay, booted by systemd-nspawn. */
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { chmod, mkdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { execa } from 'execa';
import { atExit } from './at-exit.ts';
import type { Box, BoxOptions } from './box-interface.ts';
import { removeCgroups } from './cgroups.ts';
import { furnish } from './furnish.ts';
import { borrowHost, isOnHost } from './host-box.ts';
import { makeDirectory } from './leftovers.ts';
import { bootMachine, cutPower, enter, entrance, type Machine, mountRoot, powerOff } from './machine.ts';
import { linkDirectories, makeOstreeDisk, VAR_ON_DISK } from './ostree-host.ts';
import { PROJECT } from './project.ts';
import { recordOf } from './record.ts';
import { openTunnel, type Tunnel } from './tunnel.ts';

export type { Box, BoxOptions, BoxStorage } from './box-interface.ts';
export { PROJECT } from './project.ts';
export type { Outcome, RunOptions } from './run-program.ts';

/** Boots a box; disposing of it powers it off and removes every trace. With ON_HOST=1, the host is the box. */
export async function bootBox(options: BoxOptions = {}): Promise<Box> {
  if (options.record !== undefined) await emptyDirectory(options.record);
  if (isOnHost) return await borrowHost(options);
  const { storage } = options;
  const base = await makeDirectory('box', '/run');
  const data = storage?.containers ?? (await makeDirectory('box', '/var/tmp'));
  await chmod(data, 0o755);
  const places = { base, data, losesPower: storage !== undefined };
  try {
    const machine = await bootAt(places, options);
    const box = boxOf(machine, places, options);
    if (options.registry !== undefined) await box.reach(options.registry);
    return box;
  } catch (error) {
    await takeDown(undefined, places);
    throw error;
  }
}

interface Places {
  readonly base: string;
  readonly data: string;
  /** Whether the box is not asked to power off, and its data stay. */
  readonly losesPower: boolean;
}

async function bootAt(
  { base, data }: Places,
  { storage, registry, record, isOstreeHost = false }: BoxOptions,
): Promise<Machine> {
  const isNew = storage === undefined || !existsSync(join(storage.root, 'u'));
  const root = await mountRoot(base, storage?.root, isOstreeHost ? linkDirectories : undefined);
  if (isNew) await furnish(root, PROJECT, { registry, ...(isOstreeHost ? { bin: 'usr/bin' } : {}) });
  const binds = isOstreeHost ? await makeOstreeDisk(data, root) : [`--bind=${data}:/var/lib/containers`];
  return await bootMachine({
    name: basename(base),
    root,
    console: join(record ?? base, 'console'),
    binds: [...binds, `--bind-ro=${PROJECT}`],
  });
}

async function emptyDirectory(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true });
  await mkdir(path, { recursive: true });
}

function boxOf(machine: Machine, places: Places, { record, isOstreeHost = false }: BoxOptions): Box {
  const tunnels: Tunnel[] = [];
  const closeTunnels = () => {
    for (const tunnel of tunnels) tunnel.close();
  };
  const forget = atExit(() => {
    closeTunnels();
    spawnSync('kill', ['-s', 'KILL', String(machine.leader)]);
    removeNow(places);
  });
  const { run, end } = recordOf(record, async (argv, options) => await enter(machine, argv, options));
  return {
    containers: isOstreeHost ? join(places.data, VAR_ON_DISK, 'lib/containers') : places.data,
    entrance: entrance(machine),
    run,
    sh: async (line, options) => await run(['sh', '-c', line], options),
    reach: async (address) => {
      tunnels.push(await openTunnel(machine.leader, address, places.base));
    },
    [Symbol.asyncDispose]: async () => {
      await end();
      forget();
      closeTunnels();
      await takeDown(machine, places);
    },
  };
}

async function takeDown(machine: Machine | undefined, { base, data, losesPower }: Places): Promise<void> {
  if (machine !== undefined) await (losesPower ? cutPower(machine) : powerOff(machine));
  removeCgroups(basename(base));
  for (const mount of mountsOf(base)) await execa('umount', ['--lazy', mount], { reject: false });
  for (const directory of losesPower ? [base] : [base, data])
    await rm(directory, { recursive: true, force: true });
}

/** For the end of a process that was interrupted, where nothing can be waited for. */
function removeNow({ base, data, losesPower }: Places): void {
  for (const mount of mountsOf(base)) spawnSync('umount', ['--lazy', mount]);
  for (const directory of losesPower ? [base] : [base, data])
    rmSync(directory, { recursive: true, force: true });
}

const mountsOf = (base: string) => [join(base, 'm'), base];
