/** Closes the directories of root to others, but for the roots of user namespaces. */
import { join } from 'node:path';
import * as z from 'zod/mini';
import type { Context } from '../../context.ts';
import { AtomicError } from '../../errors.ts';
import { Directory } from '../../host/files/directory.ts';
import { readIfPresent } from '../../host/files/files.ts';
import { parseJson } from '../../json.ts';

const PERMISSIONS = 0o7777;
/** What of a mode is not for the owner. */
const FOR_OTHERS = 0o077;
const CLOSED = 0o700;
/** The group may pass through, nobody else. */
const PASSABLE_TO_GROUP = 0o710;
/** Others may pass through to a name that they know; they cannot list names. */
const PASSABLE = 0o711;

/** The largest id that is not -1, which chown(2) takes for "no change". */
const LAST_ID = 2 ** 32 - 2;

const Configuration = z.object({
  linux: z.object({
    namespaces: z.array(z.object({ type: z.string() })),
    gidMappings: z.array(
      z.object({ containerID: z.number(), hostID: z.int().check(z.minimum(0)).check(z.maximum(LAST_ID)) }),
    ),
  }),
});

/**
 * The group on the host of the root in a container. A runtime reaches the root file system of a container as this root,
 * who is anybody else to the host when there is a user namespace.
 *
 * @param config the text of config.json
 * @returns `undefined` when it is the host's root, as it is without a user namespace
 */
export function groupOfRoot(config: string): number | undefined {
  const { namespaces, gidMappings } = namespacesOf(config);
  if (!namespaces.some(({ type }) => type === 'user')) return undefined;
  const group = gidMappings.find(({ containerID }) => containerID === 0)?.hostID;
  return group === 0 ? undefined : group;
}

function namespacesOf(config: string): z.infer<typeof Configuration>['linux'] {
  try {
    return parseJson(Configuration, config, ({ reason }) => new AtomicError(reason)).linux;
  } catch {
    return { namespaces: [], gidMappings: [] };
  }
}

/** Closes CK to other users, and what is in it, as far as a container does not need it open. */
export function closeCheckouts({ paths: { checkouts }, user }: Context): void {
  using directory = Directory.open(checkouts);
  const { uid, mode } = directory.attributes;
  const permissions = mode & PERMISSIONS;
  if (uid !== user.uid || (permissions & FOR_OTHERS) === 0 || permissions === PASSABLE) return;
  setMode(directory, closeDeployments(directory) ? PASSABLE : permissions & CLOSED);
}

/**
 * Lets the root of a container through to its root file system.
 *
 * @param path the directory in CK that has the container's config.json
 * @param config the text of config.json
 */
export function openToRootOf({ paths, user }: Context, path: string, config: string): void {
  const group = user.isRoot ? groupOfRoot(config) : undefined;
  if (group === undefined) return;
  using bundle = Directory.open(path);
  bundle.setAttributes({ uid: user.uid, gid: group, mode: PASSABLE_TO_GROUP });
  if (!paths.hasUsualCheckouts) return;
  using checkouts = Directory.open(paths.checkouts);
  if ((checkouts.attributes.mode & FOR_OTHERS) !== 0) return;
  closeDeployments(checkouts);
  setMode(checkouts, PASSABLE);
}

/** Closes all deployments but those that must be open; returns whether there is one. */
function closeDeployments(checkouts: Directory): boolean {
  return checkouts
    .names()
    .map((name) => closeDeployment(checkouts, name))
    .includes(true);
}

function closeDeployment(checkouts: Directory, name: string): boolean {
  if (checkouts.stat(name)?.isDirectory() !== true) return false;
  using deployment = checkouts.open(name);
  const { uid, mode } = deployment.attributes;
  if ((mode & FOR_OTHERS) === 0) return false;
  const group = groupOfRoot(configIn(deployment));
  if (group === undefined) setMode(deployment, mode & CLOSED);
  else deployment.setAttributes({ uid, gid: group, mode: PASSABLE_TO_GROUP });
  return group !== undefined;
}

/** The text of config.json; what cannot be read says nothing. */
function configIn(deployment: Directory): string {
  try {
    return readIfPresent(join(deployment.forPrograms, 'config.json')) ?? '';
  } catch {
    return '';
  }
}

function setMode(directory: Directory, mode: number): void {
  directory.setAttributes({ ...directory.attributes, mode });
}
