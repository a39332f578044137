/** systemctl(1): the system manager for root, the user manager for others. */
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { ToolError } from '../errors.ts';
import { runJob } from './dbus/jobs.ts';
import type { Host } from './host.ts';
import { noManager } from './service-manager.ts';

/** The words of a systemctl call, as they are shown and as they are run. */
export function systemctlArgv({ user }: Host, ...words: readonly string[]): readonly string[] {
  return ['systemctl', ...(user.isRoot ? [] : ['--user']), ...words];
}

/** Has the manager do something; where there is none, nothing runs, and there is nothing to do. */
async function command(host: Host, ...words: readonly string[]): Promise<void> {
  if (host.hasManager) await systemctl(host, ...words);
}

/** Makes or removes links, which systemctl does by itself where there is no manager to do it. */
async function arrange(host: Host, verb: string, unit: string): Promise<void> {
  await host.processes.run({ ...arrangement(host, verb, unit), env: { LC_ALL: 'C', ...offline(host) } });
}

function arrangement(host: Host, ...words: readonly string[]): { tool: string; args: readonly string[] } {
  const root = host.user.isRoot && !host.hasManager ? ['--root=/'] : [];
  const [tool = '', ...args] = systemctlArgv(host, ...root, ...words.slice(0, -1), '--', ...words.slice(-1));
  return { tool, args };
}

/** For the user's manager there is no `--root`. */
const offline = (host: Host) => (host.hasManager ? {} : { SYSTEMD_OFFLINE: '1' });

async function systemctl(host: Host, ...words: readonly string[]): Promise<string> {
  const [tool = '', ...args] = systemctlArgv(host, ...words);
  return (await host.processes.run({ tool, args, env: { LC_ALL: 'C' } })).stdout;
}

/** How a job ends that was not in vain. */
const WELL = ['done', 'skipped'];

/** @throws ToolError when the unit does not start */
export async function start(host: Host, unit: string): Promise<void> {
  const result = await runJob(host, 'StartUnit', unit);
  if (result === undefined) await systemctl(host, 'start', '--', unit);
  else if (!WELL.includes(result)) {
    const stderr = `the job has ended with '${result}'`;
    throw new ToolError(
      systemctlArgv(host, 'start', '--', unit),
      { exitCode: 1, signal: undefined, stderr },
      1,
    );
  }
}

/** Asks for the start of a unit where there is a manager, and does not wait for it: nothing that runs while the machine boots may. */
export const startLater = async (host: Host, unit: string) =>
  await command(host, 'start', '--no-block', '--', unit);

/** @throws ToolError when the unit does not stop, or there is none */
export async function stop(host: Host, unit: string): Promise<void> {
  const result = await runJob(host, 'StopUnit', unit);
  if (result === undefined || !WELL.includes(result)) await command(host, 'stop', '--', unit);
}

/** systemctl(1): there is no such unit. */
const NOT_LOADED = 5;

/** Stops a unit, and waits until its last process has ended; fine when there is none. */
export async function stopIfLoaded(host: Host, unit: string): Promise<void> {
  if (!host.hasManager) return;
  const [tool = '', ...args] = systemctlArgv(host, 'stop', '--', unit);
  await host.processes.run({ tool, args, env: { LC_ALL: 'C' }, expected: [NOT_LOADED] });
}

export const daemonReload = async (host: Host) => await command(host, 'daemon-reload');

/** Makes the links of the unit's `[Install]` section, and reloads: new and changed units are known afterwards. */
export const enable = async (host: Host, unit: string) => await arrange(host, 'enable', unit);

/** Makes the links of the unit's `[Install]` section, without systemd, which may not know the unit; for root. */
export const enableWithoutReload = async (host: Host, unit: string) =>
  await systemctl(host, '--root=/', 'enable', '--', unit);

/** Where packages have their units, in `system` and in `user` (systemd.unit(5), "Unit File Search Path"). */
export const PACKAGED_UNITS = ['/usr/local/lib/systemd', '/usr/lib/systemd', '/lib/systemd'];

/** Where systemd finds units, besides the administrator's. */
const OTHER_UNITS = [
  ...['system', 'generator', 'generator.late'].map((name) => `/run/systemd/${name}`),
  ...PACKAGED_UNITS.map((place) => `${place}/system`),
];

/**
 * Whether systemd has the unit in its memory, be it because another one names it: before version 246, it would not read
 * a file of that name before it is told to. Or it might have, since a package brings one, be it as another name of its own.
 */
export async function isKnown(host: Host, unit: string): Promise<boolean> {
  if (OTHER_UNITS.some((directory) => lstatSync(join(directory, unit), { throwIfNoEntry: false })))
    return true;
  const how = ['--all', '--full', '--plain', '--no-legend', '--no-pager'];
  const words = (await systemctl(host, 'list-units', ...how, '--', unit)).trim().split(/\s+/);
  return words[0] === unit;
}

/** Removes the links and stops the unit; a `daemonReload` has to follow. */
export async function disableNow(host: Host, unit: string): Promise<void> {
  if (host.hasManager) await systemctl(host, 'disable', '--now', '--no-reload', '--', unit);
  else await arrange(host, 'disable', unit);
}

/** Makes the links of the `[Install]` section anew, in the place of those of an earlier version of the unit. */
export const reenable = async (host: Host, unit: string) => await arrange(host, 'reenable', unit);

/** Whether the unit is started at boot. */
export async function isEnabled(host: Host, unit: string): Promise<boolean> {
  const call = { ...arrangement(host, 'is-enabled', '--quiet', unit), env: offline(host) };
  return (await host.processes.run({ ...call, expected: [1, 4] })).exitCode === 0;
}

/** Whether the machine, or the session of the user, is still starting: a start of a unit may then wait for this process. */
export async function isBooting(host: Host): Promise<boolean> {
  if (!host.hasManager) return false;
  const [tool = '', ...args] = systemctlArgv(host, 'is-system-running');
  const { stdout } = await host.processes.run({ tool, args, expected: [1] });
  return ['initializing', 'starting'].includes(stdout.trim());
}

/** Forgets that the units failed, and how often they were started. */
export const resetFailed = async (host: Host, units: readonly string[]) =>
  await command(host, 'reset-failed', '--', ...units);

/**
 * The states (`active`, `failed`, …) of all services that systemd has loaded, by name without `.service`; others are
 * inactive. Asking for each by its name would make systemd read the unit of each that is not running.
 *
 * @throws AtomicError when it cannot be asked
 */
export async function activeStates(host: Host): Promise<Map<string, string>> {
  if (!host.hasManager) throw noManager(host, '');
  const all = ['--all', '--type=service', '--full', '--plain', '--no-legend', '--no-pager'];
  return parseActiveStates(await systemctl(host, 'list-units', ...all));
}

/** Parses `systemctl list-units`: the unit, whether it is loaded, its state, … */
export function parseActiveStates(output: string): Map<string, string> {
  const rows = output.match(/\S.*/g)?.map((line) => line.split(/\s+/)) ?? [];
  return new Map(rows.map(([unit = '', , active = '']) => [unit.replace(/\.service$/, ''), active]));
}

/** What systemd.unit(5) calls the reverse of `Requires=`, `BindsTo=` and `PartOf=`: such units stop with the other. */
const REVERSE = ['RequiredBy', 'BoundBy', 'ConsistsOf'];

/** Which units are up, and which others are up that systemd stops when it stops one of these. */
export interface Activity {
  /** Of those asked for, in their order. */
  readonly active: readonly string[];
  /** Those that need one of these, directly or by way of others. */
  readonly needing: readonly string[];
}

/**
 * Asks which units are up, or on their way there, and what needs them; one call when none is. Targets are left out:
 * they do nothing but start others, of which the administrator may have stopped some.
 *
 * @param units with their suffix
 */
export async function activityOf(host: Host, units: readonly string[]): Promise<Activity> {
  const found = new Set<string>();
  let asked = host.hasManager ? units : [];
  while (asked.length > 0) {
    const blocks = (await showActivity(host, asked)).filter(isActive);
    for (const fields of blocks) found.add(fields.get('Id') ?? '');
    const named = blocks.flatMap((fields) => REVERSE.flatMap((key) => fields.get(key)?.split(' ') ?? []));
    asked = [...new Set(named)].filter(
      (unit) => unit !== '' && !unit.endsWith('.target') && !found.has(unit),
    );
  }
  return {
    active: units.filter((unit) => found.has(unit)),
    needing: [...found].filter((unit) => !units.includes(unit)),
  };
}

async function showActivity(host: Host, units: readonly string[]): Promise<readonly Map<string, string>[]> {
  const properties = `--property=${['Id', 'ActiveState', ...REVERSE].join(',')}`;
  const blocks = (await systemctl(host, 'show', properties, '--', ...units)).trim().split('\n\n');
  return blocks.map((block) => new Map(block.split('\n').map(splitAtEquals)));
}

function isActive(fields: ReadonlyMap<string, string>): boolean {
  return !['inactive', 'failed'].includes(fields.get('ActiveState') ?? '');
}

/** The file that systemd has loaded a unit from, empty for none, and whether the unit is up, or on its way there. */
export async function loadedUnit(
  host: Host,
  unit: string,
): Promise<{ readonly fragment: string; readonly isActive: boolean }> {
  if (!host.hasManager) return { fragment: '', isActive: false };
  const output = await systemctl(host, 'show', '--property=FragmentPath,ActiveState', '--', unit);
  const fields = new Map(output.split('\n').map(splitAtEquals));
  return { fragment: fields.get('FragmentPath') ?? '', isActive: isActive(fields) };
}

/** What systemd knows of a service. */
export interface UnitState {
  /** `active`, `inactive`, `activating`, `failed`, … (systemctl(1)); `inactive` for a unit that does not exist. */
  readonly active: string;
  /** `running`, `exited`, `auto-restart`, … */
  readonly sub: string;
  /** How often systemd has restarted it by itself since it was last started. */
  readonly restarts: number;
  /** `success`, `exit-code`, `timeout`, … (systemd.exec(5), `$SERVICE_RESULT`). */
  readonly result: string;
  /** Exit status of the main process, as a decimal number. */
  readonly exitStatus: string;
  /** Names this run of the unit in the journal; empty for one that has never run. */
  readonly invocation: string;
}

/** Asks how a unit fares; one that does not exist is inactive. */
export async function unitState(host: Host, unit: string): Promise<UnitState> {
  const properties = '--property=ActiveState,SubState,NRestarts,Result,ExecMainStatus,InvocationID';
  return parseUnitState(await systemctl(host, 'show', properties, '--', unit));
}

/** Parses the lines `KEY=VALUE` of `systemctl show`. */
export function parseUnitState(output: string): UnitState {
  const fields = new Map(output.split('\n').map(splitAtEquals));
  return {
    active: fields.get('ActiveState') ?? 'inactive',
    sub: fields.get('SubState') ?? '',
    restarts: Number(fields.get('NRestarts') ?? 0),
    result: fields.get('Result') ?? '',
    exitStatus: fields.get('ExecMainStatus') ?? '',
    invocation: fields.get('InvocationID') ?? '',
  };
}

function splitAtEquals(line: string): [string, string] {
  const at = line.indexOf('=');
  return [line.slice(0, at), line.slice(at + 1)];
}
