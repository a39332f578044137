/** The OCI runtime: runc, crun or a program that takes the same arguments. */
import { accessSync, constants, statSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod/mini';
import type { Environment } from '../../config.ts';
import { AtomicError, ToolError, ToolMissingError } from '../../errors.ts';
import type { Host } from '../host.ts';

const DEFAULT_RUNTIME = '/usr/bin/runc';

/** What a runtime can do beyond the bare specification. */
export interface RuntimeFeatures {
  /** Takes `--systemd-cgroup`. */
  readonly systemdCgroup: boolean;
  /** Takes `run --pid-file`. */
  readonly pidFile: boolean;
}

/** The runtime when nobody names one: `RUNC_PATH`, else /usr/bin/runc, else a runc in PATH. */
export function defaultRuntime({ env }: Host): string {
  const wanted = env.RUNC_PATH || DEFAULT_RUNTIME;
  return env.RUNC_PATH || isProgram(wanted) ? wanted : (findProgram(env, 'runc') ?? wanted);
}

/** The path of a runtime: a bare name is looked up in PATH; one that is not found is returned as it is. */
export function runtimePath({ env }: Host, runtime: string): string {
  return runtime.includes('/') ? runtime : (findProgram(env, runtime) ?? runtime);
}

/** The path of a program; Debian keeps some, such as runc, in /usr/sbin, which is not in everybody's PATH. */
export function findProgram({ PATH = '' }: Environment, program: string): string | undefined {
  const directories = [...PATH.split(':').filter((directory) => directory.startsWith('/')), '/usr/sbin'];
  return directories.map((directory) => join(directory, program)).find(isProgram);
}

/** Whether there is a file of that name that can be executed. */
function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/**
 * Makes sure that there is such a program, without running it; {@link probeRuntime} runs it.
 *
 * @param runtime its path
 * @throws AtomicError when it is not installed
 */
export function requireRuntime(runtime: string): void {
  if (!isProgram(runtime)) throw notInstalled(runtime);
}

function notInstalled(runtime: string, cause?: unknown): AtomicError {
  return new AtomicError(`the runtime ${runtime} is not installed`, { hint: 'install it', cause });
}

/**
 * Says that runtimes have the containers of root below /run. crun follows this variable for everybody: root's sessions
 * have it, and services, which start the containers, have not.
 */
export function placeOfContainers({ user }: Pick<Host, 'user'>): Environment {
  return user.isRoot ? { XDG_RUNTIME_DIR: '/run' } : {};
}

const callOf = (host: Host, runtime: string, args: readonly string[]) => ({
  tool: runtime,
  args,
  env: placeOfContainers(host),
});

/**
 * Makes sure that `runtime` runs, and finds out what it can do: runc, crun and youki are known by name, others
 * are asked for their help.
 *
 * @throws AtomicError when it is not installed, ToolError when `--version` fails
 */
export async function probeRuntime(host: Host, runtime: string): Promise<RuntimeFeatures> {
  const { stdout } = await host.processes
    .run(callOf(host, runtime, ['--version']))
    .catch((error: unknown) => {
      if (!(error instanceof ToolMissingError)) throw error;
      throw notInstalled(runtime, error);
    });
  if (/^(runc|crun|youki) version/.test(stdout)) return { systemdCgroup: true, pidFile: true };
  const [general, run] = await Promise.all([
    helpOf(host, runtime, ['--help']),
    helpOf(host, runtime, ['run', '--help']),
  ]);
  return { systemdCgroup: general.includes('--systemd-cgroup'), pidFile: run.includes('--pid-file') };
}

/** A runtime that has no help has no features. */
async function helpOf(host: Host, runtime: string, args: readonly string[]): Promise<string> {
  const output = await host.processes.run({ ...callOf(host, runtime, args), expected: [1, 2, 64] });
  return output.stdout + output.stderr;
}

/** Writes a default config.json for an ordinary user into `folder`, as the runtime proposes it. */
export async function writeDefaultConfig(host: Host, runtime: string, folder: string): Promise<void> {
  await host.processes.run({ ...callOf(host, runtime, ['spec', '--rootless']), cwd: folder });
}

/** What `state` prints; https://github.com/opencontainers/runtime-spec/blob/main/runtime.md#state */
const State = z.looseObject({
  status: z.string(),
  /** Of the container's first process; 0 when there is none. */
  pid: z.catch(z.number(), 0),
  /** The directory from which it was started. */
  bundle: z.catch(z.string(), ''),
  /** Its root file system, as runc and crun have it. */
  rootfs: z.catch(z.optional(z.string()), undefined),
});

export type ContainerState = z.infer<typeof State>;

/** What the runtime knows of the container `id`; `undefined` when there is none, or the runtime is gone or broken. */
export async function containerState(
  host: Host,
  runtime: string,
  id: string,
): Promise<ContainerState | undefined> {
  try {
    const { stdout } = await host.processes.run(callOf(host, runtime, ['state', id]));
    return State.safeParse(JSON.parse(stdout)).data;
  } catch (error) {
    if (!(error instanceof AtomicError || error instanceof SyntaxError)) throw error;
    return undefined;
  }
}

/** Whether there is a container `id` whose process runs. */
export async function isContainerRunning(host: Host, runtime: string, id: string): Promise<boolean> {
  return (await containerState(host, runtime, id))?.status === 'running';
}

/** A command to run in a container that is up. */
export interface ExecRequest {
  readonly id: string;
  readonly command: readonly string[];
  readonly stdinIsTty: boolean;
}

/** Runs a command in the running container with our standard streams; returns its exit status. */
export async function execInContainer(
  host: Host,
  runtime: string,
  { id, command, stdinIsTty }: ExecRequest,
): Promise<number> {
  const options = stdinIsTty ? ['--tty'] : [];
  return await host.processes.interactive(callOf(host, runtime, ['exec', ...options, id, ...command]));
}

/**
 * Starts a command in the running container, without any of our standard streams; returns the exit status of the
 * runtime.
 *
 * @param log the file for what the runtime says: the command would share its standard error
 */
export async function startInContainer(
  host: Host,
  runtime: string,
  { id, command, log }: Pick<ExecRequest, 'id' | 'command'> & { log: string },
): Promise<number> {
  const args = ['--log', log, 'exec', '--detach', id, ...command];
  return await host.processes.interactive({ ...callOf(host, runtime, args), leavesBehind: true });
}

/** Runs a bundle as the container `id` in the foreground, with our standard streams; returns its exit status. */
export async function runBundle(
  host: Host,
  runtime: string,
  { id, folder, isSystemd = false }: { id: string; folder: string; isSystemd?: boolean },
): Promise<number> {
  const options = isSystemd ? ['--systemd-cgroup'] : [];
  return await host.processes.interactive({ ...callOf(host, runtime, [...options, 'run', id]), cwd: folder });
}

/** Kills and removes the container `id` with all its processes; fine when there is none. */
export async function deleteContainer(host: Host, runtime: string, id: string): Promise<void> {
  await bestEffort(host, runtime, ['delete', '--force', id]);
}

/** Ends the container `id` with SIGKILL; fine when there is none. */
export async function killContainer(host: Host, runtime: string, id: string): Promise<void> {
  await bestEffort(host, runtime, ['kill', id, 'KILL']);
}

/** The runtime says by its exit status that there was nothing to do; one that is gone or broken keeps no container. */
async function bestEffort(host: Host, runtime: string, args: readonly string[]): Promise<void> {
  try {
    await host.processes.run(callOf(host, runtime, args));
  } catch (error) {
    if (!(error instanceof ToolMissingError || error instanceof ToolError)) throw error;
    host.log.debug({ runtime, args, error: error.message }, 'the runtime had nothing to do');
  }
}
