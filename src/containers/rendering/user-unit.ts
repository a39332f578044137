/** Adapts a unit, and the tmpfiles.d file that belongs to it, to the service manager of an ordinary user. */
import { installSectionOf, settingsOf } from './unit.ts';

/** What the unit of a user's container needs besides its own text. */
export interface UserUnit {
  /** `EXEC_START`: the runtime in the foreground. */
  readonly start: string;
  /** Where the tmpfiles.d file will be; absent when there is none. */
  readonly tmpfiles: string | undefined;
  /** Whether a unit is one of the system, which a user's manager does not know. */
  readonly isOfSystem: (unit: string) => boolean;
}

/** Settings by which systemd follows a process that has detached itself. */
const PID_FILE = /^\s*(PIDFile\s*=|Type\s*=\s*forking\s*$)/;
/** What keeps a unit from starting when the manager does not know one of those it names. */
const REQUIREMENT = /^\s*(Requires|Requisite|BindsTo)\s*=(.*)$/;
/** Whose process it is: a user's manager runs none but his own. */
const IDENTITY = /^\s*(User|Group|SupplementaryGroups)\s*=/;

/**
 * Makes a unit for the system one that a user's manager can start, and starts by itself.
 *
 * A user's manager takes no pid file of a process outside the unit, which is where the runtime puts it: it follows the
 * runtime, in the foreground, instead. It does not reach multi-user.target. Nobody carries out the user's tmpfiles.d file
 * when his /run/user is made anew.
 *
 * @returns the unit, and which settings that matter have been left out
 */
export function unitForUser(
  text: string,
  { start, tmpfiles, isOfSystem }: UserUnit,
): { text: string; changes: readonly string[] } {
  const followsRuntime = settingsOf(text, 'ExecStart').includes(start);
  const { lines, left } = withoutRootsOwn(text.split('\n'), isOfSystem);
  const kept = lines.filter((line) => !(followsRuntime && PID_FILE.test(line)));
  const prepared =
    tmpfiles === undefined ? kept : below(kept, '[Service]', `ExecStartPre=${createCommand(tmpfiles)}`);
  return { text: below(prepared, '[Install]', ...startedByItself(text)).join('\n'), changes: left };
}

/** Leaves out what only units of the system can have. */
function withoutRootsOwn(
  given: readonly string[],
  isOfSystem: UserUnit['isOfSystem'],
): { lines: readonly string[]; left: readonly string[] } {
  const left: string[] = [];
  const lines = given.flatMap((line) => {
    if (IDENTITY.test(line)) {
      left.push(`${line.trim()} left out`);
      return [];
    }
    const [, key = '', value = ''] = REQUIREMENT.exec(line) ?? [];
    const units = value.split(/\s+/).filter(Boolean);
    const gone = units.filter(isOfSystem);
    if (gone.length === 0) return [line];
    left.push(`${key}=${gone.join(' ')} left out`);
    const kept = units.filter((unit) => !gone.includes(unit));
    return kept.length === 0 ? [] : [`${key}=${kept.join(' ')}`];
  });
  return { lines, left };
}

function below(lines: readonly string[], header: string, ...additions: readonly string[]): readonly string[] {
  const at = lines.findIndex((line) => line.trim() === header);
  return at < 0 ? lines : [...lines.slice(0, at + 1), ...additions, ...lines.slice(at + 1)];
}

/** The dash: what somebody else owns cannot be made, and need not be. */
function createCommand(tmpfiles: string): string {
  const quoted = tmpfiles.replaceAll(/["\\]/g, '\\$&').replaceAll(/[%$]/g, '$&$&');
  return `-/usr/bin/systemd-tmpfiles --create "${quoted}"`;
}

function startedByItself(text: string): readonly string[] {
  const wants = settingsOf(installSectionOf(text), 'WantedBy').flatMap((value) => value.split(/\s+/));
  return wants.includes('default.target') ? [] : ['WantedBy=default.target'];
}

/** A line of tmpfiles.d(5) up to the owner and the group. */
const OWNED = /^([ \t]*[a-zA-Z]\S*[ \t]+(?:"[^"\n]*"|\S+)[ \t]+\S+[ \t]+)(\S+)([ \t]+)(\S+)/gm;

/** What a tmpfiles.d file gives to root becomes the user's: he can give nothing away. */
export function tmpfilesForUser(text: string): string {
  const own = (owner: string) => (/^(root|0)$/.test(owner) ? '-' : owner);
  return text.replaceAll(
    OWNED,
    (_, head: string, user: string, gap: string, group: string) => `${head}${own(user)}${gap}${own(group)}`,
  );
}
