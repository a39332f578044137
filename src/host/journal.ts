/** journalctl(1): what units have written. */
import type { Host } from './host.ts';
import type { UnitState } from './systemd.ts';

/** The command that shows what a unit has written. */
export function journalctl({ user }: Host, name: string): string {
  return `journalctl ${user.isRoot ? '' : '--user '}-u ${name}`;
}

/** The last lines that a unit has written since a time, in seconds since the epoch; none without a journal. */
export async function journalOf(
  host: Host,
  unit: string,
  { since, lines }: { since: number; lines: number },
): Promise<readonly string[]> {
  const scope = host.user.isRoot ? `--unit=${unit}` : `--user-unit=${unit}`;
  return await journal(host, scope, `--since=@${since}`, `--lines=${lines}`);
}

/** The last line that the processes of a run of a unit have written, without what systemd says of it; none without a journal. */
export async function lastWordsOf(host: Host, { invocation }: UnitState): Promise<string | undefined> {
  if (invocation === '') return undefined;
  return (await journal(host, '--lines=1', `_SYSTEMD_INVOCATION_ID=${invocation}`)).at(-1);
}

async function journal(host: Host, ...which: readonly string[]): Promise<readonly string[]> {
  // what has been written a moment ago is still on its way
  if (host.user.isRoot) await host.processes.run({ tool: 'journalctl', args: ['--sync'], expected: [1] });
  const args = ['--quiet', '--no-pager', '--output=cat', ...which];
  const { stdout } = await host.processes.run({ tool: 'journalctl', args, expected: [1] });
  return stdout.split('\n').filter((line) => line.trim() !== '');
}
