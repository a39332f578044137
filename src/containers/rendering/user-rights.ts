/** Finds out what an ordinary user may use on this host. */
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { Context } from '../../context.ts';
import { exists, readIfPresent } from '../../host/files/files.ts';
import { findProgram } from '../../host/runtime/runtime.ts';
import { hardLimits } from '../../host/service-manager.ts';
import { PACKAGED_UNITS } from '../../host/systemd.ts';
import { parseIdRanges, type UserIds } from './user-ids.ts';

export interface UserRights extends UserIds {
  /** The controllers of cgroups whose limits he can set. */
  readonly controllers: readonly string[];
  /** The most that his services may set of each limit of a process, by names such as `RLIMIT_NOFILE`. */
  readonly limits: ReadonlyMap<string, number>;
  /** Whether a unit is one of the system, which a user's manager does not know. */
  readonly isOfSystem: (unit: string) => boolean;
}

/** What the user who runs this program may use; of root, nobody asks. */
export async function userRights(context: Context): Promise<UserRights> {
  return {
    ...idsOf(context),
    controllers: controllersOf(context),
    limits: await hardLimits(context),
    isOfSystem: (unit) => isSystemUnit(context, unit),
  };
}

/** Without newuidmap(1) and newgidmap(1), a user can map nobody but himself. */
function idsOf({ user, env }: Context): UserIds {
  const owner = { name: userInfo().username, uid: user.uid };
  const rangesIn = (file: string) => parseIdRanges(readIfPresent(file) ?? '', owner);
  const ids = { ...user, uids: rangesIn('/etc/subuid'), gids: rangesIn('/etc/subgid'), lacksTools: false };
  const hasTools = ['newuidmap', 'newgidmap'].every((tool) => findProgram(env, tool) !== undefined);
  if (hasTools || ids.uids.length + ids.gids.length === 0) return ids;
  return { ...ids, uids: [], gids: [], lacksTools: true };
}

/** What systemd hands on to the user's own manager (`Delegate=`, systemd.resource-control(5)): nothing with cgroups v1. */
function controllersOf({ user: { uid } }: Context): readonly string[] {
  const file = `/sys/fs/cgroup/user.slice/user-${uid}.slice/user@${uid}.service/cgroup.controllers`;
  return (readIfPresent(file) ?? '').split(/\s+/).filter(Boolean);
}

/** Where units are, in `system` and in `user`. */
const PLACES = ['/etc/systemd', '/run/systemd', ...PACKAGED_UNITS];

/** A unit that both managers have is the user's own, as far as he is concerned. */
function isSystemUnit({ paths, env, user }: Context, unit: string): boolean {
  const data = env.XDG_DATA_HOME || join(user.home, '.local/share');
  const own = [paths.units, join(data, 'systemd/user'), ...PLACES.map((place) => join(place, 'user'))];
  const isIn = (directories: readonly string[]) => directories.some((path) => exists(join(path, unit)));
  return isIn(PLACES.map((place) => join(place, 'system'))) && !isIn(own);
}
