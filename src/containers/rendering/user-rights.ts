/** Finds out what an ordinary user may use on this host. */
import { userInfo } from 'node:os';
import type { Context } from '../../context.ts';
import { readIfPresent } from '../../host/files/files.ts';
import { findProgram } from '../../host/runtime/runtime.ts';
import { parseIdRanges, type UserIds } from './user-ids.ts';

export interface UserRights extends UserIds {
  /** The controllers of cgroups whose limits he can set. */
  readonly controllers: readonly string[];
}

/** What the user who runs this program may use; of root, nobody asks. */
export function userRights(context: Context): UserRights {
  return { ...idsOf(context), controllers: controllersOf(context) };
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
