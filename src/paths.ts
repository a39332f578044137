/** Every path of the host that the program uses. */
import { existsSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Config, Environment } from './config.ts';
import type { User } from './host/host.ts';
import { mountPoints } from './host/mount.ts';

export interface Paths {
  /** The root directory of the host, below which host files go. */
  readonly root: string;
  /** CK: one `NAME` link and up to two deployments `NAME.0`, `NAME.1` for each container. */
  readonly checkouts: string;
  /** Single-layer checkouts, and the default repository. */
  readonly storage: string;
  /** REPO: the OSTree repository with the images; it may not exist yet. */
  readonly repository: string;
  /** Containers that a package of the distribution brought. */
  readonly preinstalled: string;
  readonly units: string;
  readonly tmpfiles: string;
  /** Lock files; emptied by a reboot. */
  readonly locks: string;
  /** Short-lived files; emptied by a reboot. */
  readonly temporary: string;
  /** The runtimes' state, such as the pid files: `$RUN_DIRECTORY` of templates. */
  readonly run: string;
  /** `$CONF_DIRECTORY` and `$STATE_DIRECTORY` of templates. */
  readonly configuration: string;
  readonly state: string;
  /** The verdicts of image scanners, if any. */
  readonly scanSummary: string;
}

/** Works out all paths; reads the mount table, and writes nothing. */
export function pathsOf(env: Environment, config: Config, user: User): Paths {
  const data = env.XDG_DATA_HOME || join(user.home, '.local/share');
  const run = user.isRoot ? '/run' : env.XDG_RUNTIME_DIR || `/run/user/${user.uid}`;
  const checkouts = resolve(
    env.ATOMIC_OSTREE_CHECKOUT_PATH ||
      config.checkout_path ||
      (user.isRoot ? '/var/lib/containers/atomic' : join(data, 'containers/atomic')),
  );
  return {
    root: '/',
    checkouts,
    storage: join(checkouts, '.storage'),
    repository: repositoryOf(env, config, user, checkouts, data),
    preinstalled: '/usr/lib/containers/atomic',
    units: user.isRoot ? '/etc/systemd/system' : join(user.home, '.config/systemd/user'),
    tmpfiles: user.isRoot ? '/etc/tmpfiles.d' : join(data, 'containers/tmpfiles'),
    locks: join(run, 'atomic/locks'),
    temporary: join(run, 'atomic'),
    run,
    configuration: user.isRoot ? '/etc' : join(user.home, '.config'),
    state: user.isRoot ? '/var/lib' : join(user.home, '.data'),
    scanSummary: join(env.ATOMIC_VAR_LIB || '/var/lib/atomic', 'scan_summary.json'),
  };
}

const HOST_REPOSITORY = '/ostree/repo';

function repositoryOf(env: Environment, config: Config, user: User, checkouts: string, data: string): string {
  if (env.ATOMIC_OSTREE_REPO) return resolve(env.ATOMIC_OSTREE_REPO);
  if (!user.isRoot) return join(data, 'containers/atomic/repo');
  if (config.ostree_repository) return config.ostree_repository;
  const isUsable = existsSync(join(HOST_REPOSITORY, 'config')) && canHardLink(HOST_REPOSITORY, checkouts);
  return isUsable ? HOST_REPOSITORY : join(checkouts, '.storage/ostree');
}

/** Checkouts are hard links: both folders have to be on one device, and below one mount of it (link(2), EXDEV). */
function canHardLink(a: string, b: string): boolean {
  const [nearA, nearB] = [nearestExisting(a), nearestExisting(b)];
  return statSync(nearA).dev === statSync(nearB).dev && mountPointOf(nearA) === mountPointOf(nearB);
}

function nearestExisting(path: string): string {
  return existsSync(path) ? path : nearestExisting(dirname(path));
}

/** The mount that holds a path. */
function mountPointOf(path: string): string {
  const points = mountPoints().filter(
    (point) => path === point || path.startsWith(point === '/' ? '/' : `${point}/`),
  );
  return points.reduce((longest, point) => (point.length > longest.length ? point : longest), '/');
}
