/** Boots and ends a machine: a root file system under an overlay, in systemd-nspawn. */
import { spawn } from 'node:child_process';
import { mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { inCgroups } from './cgroups.ts';
import { type Outcome, type RunOptions, runProgram } from './run-program.ts';

/** The leader is process 1 of the machine as the host sees it. */
export interface Machine {
  readonly leader: number;
  readonly ended: Promise<unknown>;
}

/**
 * Mounts this machine's root under an overlay at `base`/m, and returns that.
 *
 * @param layers the directory of the overlay's upper layer; `base` when nothing is to stay
 * @param prepare puts into that layer what hides directories of this machine
 */
export async function mountRoot(
  base: string,
  layers = base,
  prepare?: (upper: string) => Promise<void>,
): Promise<string> {
  await execa('mount', ['-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', base]);
  const [root, upper, work] = [join(base, 'm'), join(layers, 'u'), join(layers, 'w')];
  for (const directory of [root, upper, work]) await mkdir(directory, { recursive: true });
  await prepare?.(upper);
  const options = `lowerdir=/,upperdir=${upper},workdir=${work}`;
  await execa('mount', ['-t', 'overlay', 'overlay', '-o', options, root]);
  return root;
}

export interface BootOptions {
  readonly name: string;
  readonly root: string;
  /** The file for what the machine prints as it boots. */
  readonly console: string;
  /** Arguments of systemd-nspawn that bind directories. */
  readonly binds: readonly string[];
}

/** Boots a machine, and waits until it is up. */
export async function bootMachine(options: BootOptions): Promise<Machine> {
  const console = await open(options.console, 'w');
  const switches = [
    '--register=no',
    '--keep-unit',
    '--capability=all',
    '--private-network',
    '--system-call-filter=@known',
    '--quiet',
  ];
  const machine = `--machine=${options.name}`;
  const argv = [
    '-D',
    options.root,
    '-b',
    machine,
    ...switches,
    ...options.binds,
    'systemd.unit=multi-user.target',
  ];
  const [shell = '', ...words] = inCgroups(options.name);
  const nspawn = spawn(shell, [...words, 'systemd-nspawn', ...argv], {
    detached: true,
    stdio: ['ignore', console.fd, console.fd],
    env: { ...process.env, SYSTEMD_NSPAWN_UNIFIED_HIERARCHY: '1' },
  });
  await console.close();
  const ended = new Promise((resolve) => nspawn.once('exit', resolve));
  try {
    return { leader: await runningLeader(nspawn.pid ?? 0, options.console), ended };
  } catch (error) {
    nspawn.kill('SIGKILL');
    throw error;
  }
}

/** A quick machine is up after half a second. */
const BOOT_SECONDS = 120;

/**
 * Waits until the machine is up. Its process 1 is nspawn's only child in the end; before that, nspawn has another child
 * for a moment, so that one look is not enough.
 */
async function runningLeader(nspawn: number, console: string): Promise<number> {
  const end = performance.now() + BOOT_SECONDS * 1000;
  while (performance.now() < end) {
    const children = await readFile(`/proc/${nspawn}/task/${nspawn}/children`, 'utf8').catch(() => '');
    const leader = Number(children.trim().split(' ')[0]);
    if (leader > 0) {
      const { stdout } = await enter({ leader }, ['systemctl', 'is-system-running']);
      if (['running', 'degraded'].includes(stdout.trim())) return leader;
    }
    await sleep(50);
  }
  throw new Error(`the box does not boot:\n${await readFile(console, 'utf8')}`);
}

/** What has to precede a command so that it runs in the machine. */
export function entrance({ leader }: Pick<Machine, 'leader'>): readonly string[] {
  return ['nsenter', '-t', String(leader), '-m', '-u', '-i', '-n', '-p', '-C', '--'];
}

/** Runs a program in the machine. */
export async function enter(
  machine: Pick<Machine, 'leader'>,
  argv: readonly string[],
  options?: RunOptions,
): Promise<Outcome> {
  return await runProgram([...entrance(machine), ...argv], options);
}

/** Asks for an orderly power-off (systemd(1), SIGRTMIN+4), and kills the machine when it does not end. */
export async function powerOff({ leader, ended }: Machine): Promise<void> {
  await execa('kill', ['-s', 'RTMIN+4', String(leader)], { reject: false });
  const isDown = await Promise.race([ended.then(() => true), sleep(30_000, false, { ref: false })]);
  if (!isDown) await cutPower({ leader, ended });
}

/** The kernel kills all of a machine with its process 1. */
export async function cutPower({ leader, ended }: Machine): Promise<void> {
  await execa('kill', ['-s', 'KILL', String(leader)], { reject: false });
  await ended;
}
