/** What tests leave on the host while they run, and what is left of tests that were killed. */
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { cgroupNames, removeCgroups } from './cgroups.ts';

/** In memory: what has mounts below it. */
const RUN = '/run';
/** On the disk, where files may be large. */
const DATA = '/var/tmp';
const NAME = /^atomic-(?:box|disk|registry)-(\d+)-/;

export type Kind = 'box' | 'disk' | 'registry';

/** Makes a directory whose name says that this process is its owner. */
export async function makeDirectory(kind: Kind, where: typeof RUN | typeof DATA): Promise<string> {
  return await mkdtemp(join(where, `atomic-${kind}-${process.pid}-`));
}

/**
 * Removes the directories whose owner has ended, and the mounts below them, and ends the processes with such a directory
 * in their command line. What belongs to tests that still run is left alone.
 */
export async function sweepLeftovers(): Promise<void> {
  for (const parent of [RUN, DATA]) {
    for (const name of (await readdir(parent)).filter(isOrphan)) {
      const directory = join(parent, name);
      await endProcesses(directory);
      for (const mount of await mountsBelow(directory))
        await execa('umount', ['--lazy', mount], { reject: false });
      await rm(directory, { recursive: true, force: true });
    }
  }
  for (const name of cgroupNames().filter(isOrphan)) removeCgroups(name);
}

function isOrphan(name: string): boolean {
  const owner = NAME.exec(name)?.[1];
  return owner !== undefined && !existsSync(`/proc/${owner}`);
}

/** A box whose nspawn is killed is killed by it. */
async function endProcesses(directory: string): Promise<void> {
  for (const id of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const commandLine = await readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '');
    if (Number(id) !== process.pid && commandLine.includes(directory)) kill(Number(id));
  }
}

function kill(id: number): void {
  try {
    process.kill(id, 'SIGKILL');
  } catch {
    // it has ended
  }
}

/** The last one first: it may lie below the others. */
async function mountsBelow(directory: string): Promise<readonly string[]> {
  const lines = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n');
  const points = lines.map((line) => line.split(' ')[4] ?? '');
  return points.filter((point) => point === directory || point.startsWith(`${directory}/`)).reverse();
}
