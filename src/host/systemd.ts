/** systemctl: of the system for root, of the user's own manager for others. */
import type { Host } from './host.ts';

/** The words of a systemctl call, as they are shown and as they are run. */
export function systemctlArgv({ user }: Host, ...words: readonly string[]): readonly string[] {
  return ['systemctl', ...(user.isRoot ? [] : ['--user']), ...words];
}

async function systemctl(host: Host, ...words: readonly string[]): Promise<string> {
  const [tool = '', ...args] = systemctlArgv(host, ...words);
  return (await host.processes.run({ tool, args, env: { LC_ALL: 'C' } })).stdout;
}

export const start = async (host: Host, unit: string) => await systemctl(host, 'start', '--', unit);
export const stop = async (host: Host, unit: string) => await systemctl(host, 'stop', '--', unit);
export const daemonReload = async (host: Host) => await systemctl(host, 'daemon-reload');

/** Makes the links of the unit's `[Install]` section; a `daemonReload` has to follow. */
export const enable = async (host: Host, unit: string) =>
  await systemctl(host, 'enable', '--no-reload', '--', unit);

/** Removes the links and stops the unit; a `daemonReload` has to follow. */
export const disableNow = async (host: Host, unit: string) =>
  await systemctl(host, 'disable', '--now', '--no-reload', '--', unit);

/** Forgets that the unit failed. */
export const resetFailed = async (host: Host, unit: string) =>
  await systemctl(host, 'reset-failed', '--', unit);

/** What systemd knows of a service. */
export interface UnitState {
  /** `active`, `inactive`, `activating`, `failed`, … (systemctl(1)); `inactive` for a unit that does not exist. */
  readonly active: string;
  /** `success`, `exit-code`, `timeout`, … (systemd.exec(5), `$SERVICE_RESULT`). */
  readonly result: string;
  /** Exit status of the main process, as a decimal number. */
  readonly exitStatus: string;
}

/** Asks for any number of services with one process; every name gets an answer. */
export async function unitStates(host: Host, names: readonly string[]): Promise<Map<string, UnitState>> {
  if (names.length === 0) return new Map();
  const units = names.map((name) => `${name}.service`);
  const output = await systemctl(
    host,
    'show',
    '--property=Id,ActiveState,Result,ExecMainStatus',
    '--',
    ...units,
  );
  return parseUnitStates(output, names);
}

/** Parses the blocks of `systemctl show`: they come in the order of the units asked for. */
export function parseUnitStates(output: string, names: readonly string[]): Map<string, UnitState> {
  const blocks = output.trim().split(/\n\n+/);
  return new Map(
    names.map((name, index) => {
      const fields = new Map((blocks[index] ?? '').split('\n').map((line) => splitAtEquals(line)));
      const state = {
        active: fields.get('ActiveState') ?? 'inactive',
        result: fields.get('Result') ?? '',
        exitStatus: fields.get('ExecMainStatus') ?? '',
      };
      return [name, state];
    }),
  );
}

function splitAtEquals(line: string): [string, string] {
  const at = line.indexOf('=');
  return [line.slice(0, at), line.slice(at + 1)];
}
