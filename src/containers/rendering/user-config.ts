/** Adapts an OCI configuration to an ordinary user, who is root only inside the container. */
import * as z from 'zod/mini';
import { formatOciConfig, parseOciConfig, parsePart } from './oci-config.ts';
import type { PresentConfig } from './present-config.ts';
import { type Mapping, mappingsFor, type UserIds } from './user-ids.ts';
import type { UserRights } from './user-rights.ts';

const Mount = z.looseObject({
  destination: z.catch(z.string(), ''),
  options: z.catch(z.array(z.string()), []),
});
const Namespace = z.looseObject({ type: z.string() });
const Linux = z.looseObject({
  namespaces: z.catch(z.array(Namespace), []),
  resources: z.nullish(z.looseObject({ devices: z.catch(z.optional(z.array(z.unknown())), undefined) })),
  uidMappings: z.nullish(z.array(z.unknown())),
  gidMappings: z.nullish(z.array(z.unknown())),
  cgroupsPath: z.optional(z.unknown()),
  sysctl: z.catch(z.nullish(z.record(z.string(), z.unknown())), undefined),
});

const Limit = z.looseObject({ type: z.string(), hard: z.number(), soft: z.number() });
const Process = z.looseObject({ rlimits: z.catch(z.nullish(z.array(Limit)), undefined) });

type Mount = z.infer<typeof Mount>;
type Process = z.infer<typeof Process>;
type Linux = z.infer<typeof Linux>;

/** The host's /sys: a mount of its own takes a network namespace of one's own. */
const SYS = {
  destination: '/sys',
  type: 'bind',
  source: '/sys',
  options: ['rbind', 'nosuid', 'noexec', 'nodev', 'ro'],
};

/**
 * Makes a configuration one that a user without privileges can run: in a user namespace, with the network of the host,
 * and without what only root may ask for. The changes are what the image asked for, and does not get.
 *
 * @param file its path, for messages
 * @throws AtomicError when it is not an OCI configuration
 */
export function configForUser(text: string, file: string, rights: UserRights): PresentConfig {
  const config = parseOciConfig(text, file);
  const linux = parsePart(Linux, config.linux ?? {}, file);
  const { mapped, changes: mappingChanges } = withMappings(linux, rights);
  const { limited, changes: linuxChanges } = withinRights(mapped, rights);
  const { process, changes: processChanges } = withLimits(
    parsePart(Process, config.process ?? {}, file),
    rights,
  );
  const found = parsePart(z.array(Mount), config.mounts ?? [], file);
  const { mounts, changes: mountChanges } = mountsFor(found, limited);
  return {
    text: formatOciConfig({
      ...config,
      ...(processChanges.length === 0 ? {} : { process }),
      mounts,
      linux: limited,
    }),
    changes: [...processChanges, ...linuxChanges, ...mappingChanges, ...mountChanges],
  };
}

/** Nobody but root may raise a hard limit (setrlimit(2)). */
function withLimits(
  process: Process,
  { limits }: UserRights,
): { process: Process; changes: readonly string[] } {
  const changes: string[] = [];
  const rlimits = process.rlimits?.map((limit) => {
    const most = limits.get(limit.type) ?? Number.POSITIVE_INFINITY;
    if (limit.hard <= most) return limit;
    changes.push(`${limit.type} lowered to ${most}`);
    return { ...limit, hard: most, soft: Math.min(limit.soft, most) };
  });
  return { process: { ...process, rlimits }, changes };
}

/** Mappings that the image brings stay if the user may have them. */
function withMappings(
  linux: Linux,
  { uid, gid, uids, gids, lacksTools }: UserIds,
): { mapped: Linux; changes: readonly string[] } {
  const [users, groups] = [
    mappingsFor(linux.uidMappings, uid, uids),
    mappingsFor(linux.gidMappings, gid, gids),
  ];
  const isReplaced = users.isReplaced || groups.isReplaced;
  return {
    mapped: { ...linux, uidMappings: users.mappings, gidMappings: groups.mappings },
    changes: [
      ...(isReplaced ? ['your ids instead of its own'] : []),
      ...(lacksTools ? ['no ids but your own (newuidmap and newgidmap are not installed)'] : []),
    ],
  };
}

/** Leaves out what the kernel, or a runtime, refuses to a user. */
function withinRights(
  linux: Linux,
  { controllers }: UserRights,
): { limited: Linux; changes: readonly string[] } {
  const { cgroupsPath, sysctl, resources, namespaces, ...rest } = linux;
  const kept = namespaces.filter(({ type }) => type !== 'network');
  const isIsolated = kept.length < namespaces.length;
  const settings = Object.entries(sysctl ?? {}).filter(([key]) => !key.startsWith('net.'));
  const hasNetworkSettings = settings.length < Object.keys(sysctl ?? {}).length;
  const limits = limitsFor(resources, controllers);
  return {
    limited: {
      ...rest,
      namespaces: kept.some(({ type }) => type === 'user') ? kept : [...kept, { type: 'user' }],
      ...(resources == null ? {} : { resources: limits.resources }),
      ...(settings.length === 0 ? {} : { sysctl: Object.fromEntries(settings) }),
      cgroupsPath: undefined,
    },
    changes: [
      ...(isIsolated ? ['the network of the host instead of its own'] : []),
      ...(hasNetworkSettings ? ['sysctl net.* left out'] : []),
      ...limits.changes,
      ...(cgroupsPath == null || cgroupsPath === '' ? [] : ['cgroupsPath left out']),
    ],
  };
}

/** The controllers that the limits of a kind need; all other kinds are root's. */
const CONTROLLERS: Readonly<Record<string, string>> = {
  ...{ memory: 'memory', cpu: 'cpu', pids: 'pids', blockIO: 'io', hugepageLimits: 'hugetlb', rdma: 'rdma' },
};

function limitsFor(
  resources: Linux['resources'],
  controllers: readonly string[],
): { resources: Record<string, unknown>; changes: readonly string[] } {
  const { devices = [], ...limits } = resources ?? {};
  const given = Object.entries(limits);
  const kept = given.filter(([kind]) => controllers.includes(CONTROLLERS[kind] ?? ''));
  const lost = given.filter((limit) => !kept.includes(limit)).map(([kind]) => kind);
  return {
    resources: Object.fromEntries(kept),
    changes: [
      ...(devices.length === 0 ? [] : ['rules for devices left out']),
      ...(lost.length === 0 ? [] : [`limits left out that are not yours to set: ${lost.join(' and ')}`]),
    ],
  };
}

function mountsFor(
  found: readonly Mount[],
  { uidMappings, gidMappings }: Linux,
): { mounts: readonly Mount[]; changes: readonly string[] } {
  const changes: string[] = [];
  const mounts = found
    .filter(({ destination }) => !/^\/sys($|\/)/.test(destination))
    .map((mount) => {
      const options = mount.options.filter((option) => {
        const [key, id] = /^(uid|gid)=(\d+)$/.exec(option)?.slice(1) ?? [];
        if (key === undefined || isMapped(key === 'uid' ? uidMappings : gidMappings, Number(id))) return true;
        changes.push(`${option} of ${mount.destination} left out`);
        return false;
      });
      return restricted({ ...mount, options });
    });
  return { mounts: [...mounts, SYS], changes };
}

/** The mappings are ours, or have been checked. */
function isMapped(mappings: Linux['uidMappings'], id: number): boolean {
  return (mappings as readonly Mapping[]).some(
    ({ containerID, size }) => id >= containerID && id < containerID + size,
  );
}

function restricted(mount: Mount): Mount {
  if (mount.destination.startsWith('/dev')) return mount;
  return { ...mount, options: [...new Set([...mount.options, 'nodev', 'nosuid'])] };
}
