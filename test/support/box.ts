/** A throwaway machine with a real systemd: this machine's own root under an overlay, booted by systemd-nspawn. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, open, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { atExit } from './at-exit.ts';
import { furnish } from './furnish.ts';
import { openTunnel, type Tunnel } from './tunnel.ts';

/** The folder with package.json. */
export const PROJECT = new URL('../..', import.meta.url).pathname.replace(/\/$/, '');
/** Everything that a box leaves on the host while it runs begins so, with the id of the process that booted it. */
const BASES = '/run';
const DATA = '/var/tmp';
const PREFIX = 'atomic-box-';

export interface BoxOptions {
  /** `host:port` of the registry that stands in for all others. */
  readonly registry?: string;
  /** Where a box writes that loses its power when it is disposed of; what it wrote stays there. */
  readonly storage?: BoxStorage;
}

/** Directories on the disk of a box; one that has been booted from them before finds itself as it was. */
export interface BoxStorage {
  /** For the layers of the overlay that is `/` of the box; they are made when they are not there. */
  readonly root: string;
  /** What is /var/lib/containers in the box. */
  readonly containers: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** Milliseconds until the program is killed. */
  readonly timeout?: number;
}

/** What a program in the box said; `exitCode` is 124 when it had to be killed. */
export interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

export interface Box extends AsyncDisposable {
  /** Runs a program in the box and waits for it; never throws for an exit status. */
  run(argv: readonly string[], options?: RunOptions): Promise<Outcome>;
  /** `run` for a line of shell. */
  sh(line: string, options?: RunOptions): Promise<Outcome>;
  /** Makes a server on 127.0.0.1 of the host, `127.0.0.1:PORT`, one of the box as well. */
  reach(address: string): Promise<void>;
  /** The folder on the host that is /var/lib/containers in the box. */
  readonly containers: string;
}

/** Boots a box; disposing of it powers it off and removes every trace. */
export async function bootBox(options: BoxOptions = {}): Promise<Box> {
  const { storage } = options;
  const base = await mkdtemp(join(BASES, `${PREFIX}${process.pid}-`));
  const data = storage?.containers ?? (await mkdtemp(join(DATA, `${PREFIX}${process.pid}-`)));
  await chmod(data, 0o755);
  const folders = { base, data, losesPower: storage !== undefined };
  try {
    const isNew = storage === undefined || !existsSync(join(storage.root, 'u'));
    const root = await overlay(base, storage?.root);
    if (isNew) await furnish(root, PROJECT, options.registry);
    const machine = await boot(root, folders);
    const box = boxOf(machine, folders);
    if (options.registry !== undefined) await box.reach(options.registry);
    return box;
  } catch (error) {
    await takeDown(undefined, folders);
    throw error;
  }
}

interface Folders {
  readonly base: string;
  readonly data: string;
  /** Whether the box is not asked to power off, and its data stay. */
  readonly losesPower: boolean;
}

/** The leader is process 1 of the box as the host sees it. */
interface Machine {
  readonly leader: number;
  readonly ended: Promise<unknown>;
}

/** @param layers the directory of the overlay's upper layer; `base` when nothing is to stay */
async function overlay(base: string, layers = base): Promise<string> {
  await execa('mount', ['-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', base]);
  const [root, upper, work] = [join(base, 'm'), join(layers, 'u'), join(layers, 'w')];
  for (const folder of [root, upper, work]) await mkdir(folder, { recursive: true });
  const options = `lowerdir=/,upperdir=${upper},workdir=${work}`;
  await execa('mount', ['-t', 'overlay', 'overlay', '-o', options, root]);
  return root;
}

async function boot(root: string, { base, data }: Pick<Folders, 'base' | 'data'>): Promise<Machine> {
  const console = await open(join(base, 'console'), 'w');
  const binds = [`--bind=${data}:/var/lib/containers`, `--bind-ro=${PROJECT}`];
  const switches = [
    '--register=no',
    '--keep-unit',
    '--capability=all',
    '--private-network',
    '--system-call-filter=@known',
    '--quiet',
  ];
  const machine = `--machine=${base.split('/').at(-1)}`;
  const argv = ['-D', root, '-b', machine, ...switches, ...binds, 'systemd.unit=multi-user.target'];
  const nspawn = spawn('systemd-nspawn', argv, {
    detached: true,
    stdio: ['ignore', console.fd, console.fd],
    env: { ...process.env, SYSTEMD_NSPAWN_UNIFIED_HIERARCHY: '1' },
  });
  await console.close();
  const ended = new Promise((resolve) => nspawn.once('exit', resolve));
  try {
    return { leader: await runningLeader(nspawn.pid ?? 0, base), ended };
  } catch (error) {
    nspawn.kill('SIGKILL');
    throw error;
  }
}

/**
 * Waits until the box is up. Its process 1 is nspawn's only child in the end; before that, nspawn has another child
 * for a moment, so that one look is not enough.
 */
async function runningLeader(nspawn: number, base: string): Promise<number> {
  for (let attempt = 0; attempt < 600; attempt++) {
    const children = await readFile(`/proc/${nspawn}/task/${nspawn}/children`, 'utf8').catch(() => '');
    const leader = Number(children.trim().split(' ')[0]);
    if (leader > 0) {
      const { stdout } = await enter({ leader }, ['systemctl', 'is-system-running']);
      if (['running', 'degraded'].includes(stdout.trim())) return leader;
    }
    await sleep(30);
  }
  throw new Error(`the box does not boot:\n${await readFile(join(base, 'console'), 'utf8')}`);
}

async function enter(
  { leader }: Pick<Machine, 'leader'>,
  argv: readonly string[],
  options: RunOptions = {},
): Promise<Outcome> {
  const namespaces = ['-t', String(leader), '-m', '-u', '-i', '-n', '-p', '-C', '--'];
  const result = await execa('nsenter', [...namespaces, ...argv], {
    reject: false,
    stripFinalNewline: false,
    timeout: options.timeout ?? 120_000,
    killSignal: 'SIGKILL',
    cwd: '/',
    extendEnv: false,
    env: {
      PATH: `/usr/local/bin:/usr/bin:/usr/sbin:/bin:/sbin:${process.env.PATH}`,
      HOME: '/root',
      ...options.env,
    },
    ...(options.input === undefined ? { stdin: 'ignore' as const } : { input: options.input }),
  });
  const { stdout = '', stderr = '', timedOut } = result;
  return {
    stdout: String(stdout),
    stderr: String(stderr),
    exitCode: timedOut ? 124 : (result.exitCode ?? 255),
  };
}

function boxOf(machine: Machine, folders: Folders): Box {
  const tunnels: Tunnel[] = [];
  const closeTunnels = () => {
    for (const tunnel of tunnels) tunnel.close();
  };
  const forget = atExit(() => {
    closeTunnels();
    process.kill(machine.leader, 'SIGKILL');
    removeBoxNow(folders);
  });
  return {
    containers: folders.data,
    run: async (argv, options) => await enter(machine, argv, options),
    sh: async (line, options) => await enter(machine, ['sh', '-c', line], options),
    reach: async (address) => {
      tunnels.push(await openTunnel(machine.leader, address, folders.base));
    },
    [Symbol.asyncDispose]: async () => {
      forget();
      closeTunnels();
      await takeDown(machine, folders);
    },
  };
}

/** Then everything that is left goes. */
async function takeDown(machine: Machine | undefined, { base, data, losesPower }: Folders): Promise<void> {
  if (machine !== undefined) await (losesPower ? cutPower(machine) : powerOff(machine));
  await removeBox(base);
  if (!losesPower) await rm(data, { recursive: true, force: true });
}

/** An orderly power-off (systemd(1), SIGRTMIN+4). */
async function powerOff({ leader, ended }: Machine): Promise<void> {
  await execa('kill', ['-s', 'RTMIN+4', String(leader)], { reject: false });
  const isDown = await Promise.race([ended.then(() => true), sleep(15_000, false, { ref: false })]);
  if (!isDown) await execa('kill', ['-s', 'KILL', String(leader)], { reject: false });
}

/** The kernel kills all of a box with its process 1. */
async function cutPower({ leader, ended }: Machine): Promise<void> {
  await execa('kill', ['-s', 'KILL', String(leader)], { reject: false });
  await ended;
}

async function removeBox(base: string): Promise<void> {
  for (const mount of [join(base, 'm'), base]) await execa('umount', ['--lazy', mount], { reject: false });
  await rm(base, { recursive: true, force: true });
}

/** For the end of a process that was interrupted, where nothing can be waited for. */
function removeBoxNow({ base, data, losesPower }: Folders): void {
  for (const mount of [join(base, 'm'), base]) spawnSync('umount', ['--lazy', mount]);
  for (const folder of losesPower ? [base] : [base, data]) rmSync(folder, { recursive: true, force: true });
}

/** Removes the boxes of test runs that were killed; those of runs that go on are left alone. */
export async function sweepBoxes(): Promise<void> {
  for (const name of await orphansIn(BASES)) {
    await execa('pkill', ['-KILL', '-f', `systemd-nspawn.*${name}`], { reject: false });
    await removeBox(join(BASES, name));
  }
  for (const name of await orphansIn(DATA)) await rm(join(DATA, name), { recursive: true, force: true });
}

async function orphansIn(folder: string): Promise<readonly string[]> {
  const owner = (name: string) => new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
  return (await readdir(folder)).filter((name) => owner(name) && !existsSync(`/proc/${owner(name)}`));
}
