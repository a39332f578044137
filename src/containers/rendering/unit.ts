/** Makes the systemd unit of a container from the image's template or ours. */
import type { RuntimeFeatures } from '../../host/runtime/runtime.ts';
import type { Template, Values } from './template.ts';

/** For an image without service.template. Root: systemd follows the container's own process by its pid file. */
const SYSTEM_UNIT = `
[Unit]
Description=$NAME

[Service]
Type=forking
ExecStartPre=$EXEC_STARTPRE
ExecStart=$EXEC_START
ExecStop=$EXEC_STOP
ExecStopPost=$EXEC_STOPPOST
Restart=on-failure
WorkingDirectory=$DESTDIR
PIDFile=$PIDFILE

[Install]
WantedBy=multi-user.target
`;

/** For an ordinary user: see `unitForUser`. */
const USER_UNIT = `
[Unit]
Description=$NAME

[Service]
ExecStartPre=$EXEC_STARTPRE
ExecStart=$EXEC_START
ExecStop=$EXEC_STOP
ExecStopPost=$EXEC_STOPPOST
Restart=on-failure
WorkingDirectory=$DESTDIR

[Install]
WantedBy=default.target
`;

/** The unit of an image that brings none. */
export function defaultUnit(isRoot: boolean): Template {
  return { file: 'service.template', text: isRoot ? SYSTEM_UNIT : USER_UNIT };
}

/** What decides the `EXEC_*` variables. */
export interface UnitCommands {
  readonly name: string;
  readonly runtime: string;
  readonly features: RuntimeFeatures;
  readonly isRoot: boolean;
  readonly pidFile: string;
}

/** The `EXEC_*` variables for a unit template: the commands that start, stop and clean up the container. */
export function execValues(
  unit: Template,
  { name, runtime, features, isRoot, pidFile }: UnitCommands,
): Values {
  const cgroup = isRoot && features.systemdCgroup ? ' --systemd-cgroup' : '';
  // compat: only the form without braces counts
  const asksForPidFile = unit.text.includes('$EXEC_STOPPOST') && unit.text.includes('$PIDFILE');
  // a user's manager does not follow pid files
  const followsPidFile = isRoot && features.pidFile && asksForPidFile;
  const cleanup = cleanupCommand(runtime, name);
  return {
    EXEC_START: followsPidFile
      ? `${runtime} ${cgroup} run -d --pid-file ${pidFile} '${name}'`
      : `${runtime}${cgroup} run '${name}'`,
    EXEC_STOP: followsPidFile ? '' : `${runtime}${cgroup} kill '${name}'`,
    EXEC_STARTPRE: cleanup,
    EXEC_STOPPOST: cleanup,
  };
}

/** Removes whatever container of that name the last run left; systemd ignores its failure because of the dash. */
function cleanupCommand(runtime: string, name: string): string {
  return `-${runtime} delete --force '${name}'`;
}

/**
 * Adds to a rendered unit what every container needs and few images say: that a stale container is removed before
 * the start and after the stop, and that SIGTERM is a clean end also when the runtime reports it as 128 + 15. What the
 * unit sets itself stays.
 */
export function completeUnit(unit: string, { runtime, name }: { runtime: string; name: string }): string {
  const cleanup = cleanupCommand(runtime, name);
  const additions = [
    ...(settingsOf(unit, 'ExecStartPre').includes(cleanup) ? [] : [`ExecStartPre=${cleanup}`]),
    ...(settingsOf(unit, 'ExecStopPost').includes(cleanup) ? [] : [`ExecStopPost=${cleanup}`]),
    ...(settingsOf(unit, 'SuccessExitStatus').length > 0 ? [] : ['SuccessExitStatus=143']),
  ];
  const lines = unit.split('\n');
  const header = lines.findIndex((line) => line.trim() === '[Service]');
  if (header < 0 || additions.length === 0) return unit;
  return [...lines.slice(0, header + 1), ...additions, ...lines.slice(header + 1)].join('\n');
}

/** Whether SIGTERM is all that a unit has to stop its process: no signal and no command of its own. */
export function stopsByTerm(unit: string): boolean {
  const signals = settingsOf(unit, 'KillSignal').filter((signal) => !/^(SIG)?TERM$/.test(signal));
  const commands = settingsOf(unit, 'ExecStop').filter((command) => command !== '' && !isPlainKill(command));
  return signals.length + commands.length === 0;
}

/** `RUNTIME [OPTION…] kill NAME`, which sends SIGTERM. */
function isPlainKill(command: string): boolean {
  return /^\S+( +--\S+)* +kill +\S+$/.test(command);
}

/** The `[Install]` section of a unit file, without comments; empty when it has none. */
export function installSectionOf(unit: string): string {
  const lines = unit.split('\n').map((line) => line.trim());
  const start = lines.indexOf('[Install]');
  if (start < 0) return '';
  const rest = lines.slice(start + 1);
  const end = rest.findIndex((line) => line.startsWith('['));
  const section = end < 0 ? rest : rest.slice(0, end);
  return section.filter((line) => line !== '' && !/^[#;]/.test(line)).join('\n');
}

/** What is started at boot, and by nobody else: that it wants another unit matters at the next boot only. */
const AT_BOOT = /^WantedBy\s*=(\s*(multi-user|graphical|default)\.target)*\s*$/;

/** Whether a unit's `[Install]` section is about more than its start at boot: other names, what needs or wants it. */
export function changesOthers(unit: string): boolean {
  return installSectionOf(unit)
    .split('\n')
    .some((line) => line !== '' && !AT_BOOT.test(line));
}

/** The values of all lines `KEY=VALUE` of a unit file. */
export function settingsOf(unit: string, key: string): readonly string[] {
  return unit.split('\n').flatMap((line) => {
    const [name, ...rest] = line.split('=');
    return name?.trim() === key ? [rest.join('=').trim()] : [];
  });
}
