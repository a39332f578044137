/** Every path of the host that the program uses. */
import { accessSync, constants, existsSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';

import type { Config, Environment } from './config.ts';
import type { User } from './host/host.ts';
import { mountTable, onMountOf } from './host/mount.ts';

export interface Paths {
  /** The root directory of the host, below which host files go. */
  readonly root: string;
  /** CK: one `NAME` link and up to two deployments `NAME.0`, `NAME.1` for each container. */
  readonly checkouts: string;
  /** Whether that is the directory that is made for it, and nothing else is in it. */
  readonly hasUsualCheckouts: boolean;
  /** CK by a path on the mount of the repository: hard links are made between paths on one mount only (link(2)). */
  readonly linkable: string;
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
  const chosen = env.ATOMIC_OSTREE_CHECKOUT_PATH || config.checkout_path;
  const usual = user.isRoot ? '/var/lib/containers/atomic' : join(data, 'containers/atomic');
  const checkouts = realPath(resolve(chosen || usual));
  const { repository, linkable } = storeOf(env, config, user, { checkouts, data });
  return {
    root: '/',
    checkouts,
    hasUsualCheckouts: !chosen,
    linkable,
    storage: join(checkouts, '.storage'),
    repository,
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

/** Follows links, as far as there is something: the mount table, and what others record, have no links in them. */
function realPath(path: string): string {
  if (existsSync(path)) return realpathSync(path);
  const parent = dirname(path);
  return parent === path ? path : join(realPath(parent), basename(path));
}

const HOST_REPOSITORY = '/ostree/repo';

/** Where images are, and how their files get into containers. */
interface Store {
  readonly repository: string;
  /** CK on the mount of the repository. */
  readonly linkable: string;
}

function storeOf(env: Environment, config: Config, user: User, { checkouts, data }: Roots): Store {
  const own = { repository: join(checkouts, '.storage/ostree'), linkable: checkouts };
  const chosen =
    env.ATOMIC_OSTREE_REPO || (user.isRoot ? config.ostree_repository : join(data, 'containers/atomic/repo'));
  if (chosen === undefined) return hostStore(checkouts, own.repository) ?? own;
  const repository = realPath(resolve(chosen));
  if (!existsSync(repository) || repository.startsWith(`${checkouts}/`))
    return { repository, linkable: checkouts };
  return { repository, linkable: linkableBeside(repository, checkouts) ?? checkouts };
}

interface Roots {
  readonly checkouts: string;
  readonly data: string;
}

/**
 * The repository of a host that is one itself, if checkouts can be hard links into it. Newer hosts have it on a
 * read-only mount, which an administrator may open for a while: a repository of our own that has images stays the one
 * that is used, unless that of the host has images, too.
 */
function hostStore(checkouts: string, own: string): Store | undefined {
  if (!isWritable(join(HOST_REPOSITORY, 'config'))) return undefined;
  if (hasImages(own) && !hasImages(HOST_REPOSITORY)) return undefined;
  const linkable = linkableBeside(realpathSync(HOST_REPOSITORY), checkouts);
  return linkable === undefined ? undefined : { repository: HOST_REPOSITORY, linkable };
}

/**
 * The path of CK on the mount of a repository, `undefined` when that has none. On a host that is managed with OSTree,
 * /var is a mount of its own, from which no hard link leads to the repository; but the mount of that has the same
 * directory elsewhere.
 */
function linkableBeside(repository: string, checkouts: string): string | undefined {
  const near = nearestExisting(checkouts);
  const beside = onMountOf(repository, near, mountTable());
  if (beside === undefined || !isSame(near, beside)) return undefined;
  if (statSync(repository).dev !== statSync(near).dev) return undefined;
  return join(beside, relative(near, checkouts));
}

/** The repository of the host, when it has images that are not used, because it cannot be written to any more. */
export function closedRepository({ repository }: Pick<Paths, 'repository'>): string | undefined {
  const isClosed = repository !== HOST_REPOSITORY && hasImages(HOST_REPOSITORY);
  return isClosed && !isWritable(join(HOST_REPOSITORY, 'config')) ? HOST_REPOSITORY : undefined;
}

/** Whether a repository has images of ours. */
function hasImages(repository: string): boolean {
  const refs = join(repository, 'refs/heads/ociimage');
  return existsSync(refs) && readdirSync(refs).length > 0;
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function isSame(path: string, other: string): boolean {
  const [one, two] = [statSync(path), statSync(other, { throwIfNoEntry: false })];
  return one.dev === two?.dev && one.ino === two.ino;
}

function nearestExisting(path: string): string {
  return existsSync(path) ? path : nearestExisting(dirname(path));
}
