/** Adapts an OCI configuration to an ordinary user, who is root only inside the container. */
import * as z from 'zod';
import { formatOciConfig, parseOciConfig, parsePart } from './oci-config.ts';

/** One line of /etc/subuid or /etc/subgid: ids of the host that the user may use (subuid(5)). */
export interface IdRange {
  readonly start: number;
  readonly count: number;
}

export interface UserIds {
  readonly uid: number;
  readonly gid: number;
  readonly uids: readonly IdRange[];
  readonly gids: readonly IdRange[];
}

const Mount = z.looseObject({ destination: z.string().catch(''), options: z.array(z.string()).catch([]) });
const Namespace = z.looseObject({ type: z.string() });
const Linux = z.looseObject({
  namespaces: z.array(Namespace).catch([]),
  resources: z.looseObject({ devices: z.unknown() }).nullish(),
  uidMappings: z.array(z.unknown()).nullish(),
  gidMappings: z.array(z.unknown()).nullish(),
});

/** The host's /sys: a mount of its own takes a network namespace of one's own. */
const SYS = {
  destination: '/sys',
  type: 'bind',
  source: '/sys',
  options: ['rbind', 'nosuid', 'noexec', 'nodev', 'ro'],
};

/**
 * Makes a configuration one that a user without privileges can run: in a user namespace, with the network of the host,
 * and without device rules.
 *
 * @param file its path, for messages
 * @throws AtomicError when it is not an OCI configuration
 */
export function configForUser(text: string, file: string, ids: UserIds): string {
  const config = parseOciConfig(text, file);
  const linux = parsePart(Linux, config.linux ?? {}, file);
  const namespaces = linux.namespaces.filter(({ type }) => type !== 'network');
  const hasUser = namespaces.some(({ type }) => type === 'user');
  const mounts = parsePart(z.array(Mount), config.mounts ?? [], file);
  const changed = {
    ...config,
    mounts: [...mounts.filter(({ destination }) => !destination.startsWith('/sys')).map(restricted), SYS],
    linux: {
      ...linux,
      namespaces: hasUser ? namespaces : [...namespaces, { type: 'user' }],
      ...(linux.resources == null ? {} : { resources: { ...linux.resources, devices: undefined } }),
      uidMappings: linux.uidMappings ?? mappings(ids.uid, ids.uids),
      gidMappings: linux.gidMappings ?? mappings(ids.gid, ids.gids),
    },
  };
  return formatOciConfig(changed);
}

function restricted(mount: z.infer<typeof Mount>): z.infer<typeof Mount> {
  if (mount.destination.startsWith('/dev')) return mount;
  return { ...mount, options: [...new Set([...mount.options, 'nodev', 'nosuid'])] };
}

/** Maps the user to root inside, and his further ids to 1 and up, one range after the other. */
function mappings(own: number, ranges: readonly IdRange[]): readonly object[] {
  let containerID = 1;
  const others = ranges.map(({ start, count }) => {
    const mapping = { containerID, hostID: start, size: count };
    containerID += count;
    return mapping;
  });
  return [{ containerID: 0, hostID: own, size: 1 }, ...others];
}

/** The ranges of one user in the text of /etc/subuid or /etc/subgid, by name or uid. */
export function parseIdRanges(
  text: string,
  { name, uid }: { name: string; uid: number },
): readonly IdRange[] {
  return text.split('\n').flatMap((line) => {
    const [owner, start = '', count = ''] = line.trim().split(':');
    const isOwn = owner === name || owner === String(uid);
    return isOwn && /^\d+$/.test(start) && /^\d+$/.test(count)
      ? [{ start: Number(start), count: Number(count) }]
      : [];
  });
}
