/** Brings a configuration that was made for an early OCI specification, or for another host, up to what runtimes take. */
import { readIfPresent } from '../../host/files/files.ts';
import { isSelinuxEnabled } from '../../host/selinux.ts';
import { formatOciConfig, parseOciConfig } from './oci-config.ts';

/** The kernel's means of confinement that a configuration can ask for; runtimes refuse labels that it does not know. */
export interface Confinement {
  readonly hasSelinux: boolean;
  readonly hasApparmor: boolean;
}

/** What this host has. */
export function confinementOf(): Confinement {
  return {
    hasSelinux: isSelinuxEnabled(),
    hasApparmor: readIfPresent('/sys/module/apparmor/parameters/enabled')?.startsWith('Y') === true,
  };
}

/** A configuration, and what was changed in it, in words. */
export interface PresentConfig {
  readonly text: string;
  /** Empty: the text is the one that was given. */
  readonly changes: readonly string[];
}

/** The first version of the specification that was final; https://github.com/opencontainers/runtime-spec/releases */
const PRESENT_VERSION = '1.0.2';
/** RLIM_INFINITY, which early specifications let an image write as -1. */
const UNLIMITED = 2n ** 64n - 1n;

type Json = Record<string, unknown>;

/**
 * Brings a configuration up to the present specification, as far as runc 1.1 and crun 1.8 refuse what was allowed
 * before it was final, and leaves out labels that this host cannot honour.
 *
 * @param file its path, for messages
 * @throws AtomicError when it is not an OCI configuration
 */
export function presentConfig(text: string, file: string, confinement: Confinement): PresentConfig {
  const config = structuredClone(parseOciConfig(text, file)) as Json;
  const process = objectIn(config, 'process');
  const linux = objectIn(config, 'linux');
  const changes = [
    ...presentVersion(config),
    ...(process === undefined ? [] : presentProcess(process, linux ?? {})),
    ...(linux === undefined ? [] : presentLinux(linux)),
    ...withoutLabels({ process, linux }, confinement),
  ];
  return { text: changes.length === 0 ? text : formatOciConfig(config), changes };
}

function objectIn(parent: Json | undefined, key: string): Json | undefined {
  const value = parent?.[key];
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
}

function objectsIn(parent: Json | undefined, key: string): readonly Json[] {
  const value = parent?.[key];
  return Array.isArray(value) ? value.filter((item) => typeof item === 'object' && item !== null) : [];
}

function presentVersion(config: Json): readonly string[] {
  const changes: string[] = [];
  const { ociVersion, annotations } = config;
  if (typeof ociVersion !== 'string' || /^0\.|^$|^1\.0\.0-/.test(ociVersion)) {
    config.ociVersion = PRESENT_VERSION;
    changes.push(`ociVersion ${asText(ociVersion ?? 'missing')} is now ${PRESENT_VERSION}`);
  }
  if ('platform' in config) {
    delete config.platform;
    changes.push('platform left out');
  }
  if (Array.isArray(annotations)) {
    config.annotations = Object.fromEntries(
      objectsIn(config, 'annotations').map(({ key, value }) => [asText(key), asText(value)]),
    );
    changes.push('annotations by name');
  }
  return changes;
}

/** JSON for what is no text: `String` calls what an object has as its `toString`. */
function asText(value: unknown): string {
  return typeof value === 'string' ? value : formatOciConfig(value);
}

function presentProcess(process: Json, linux: Json): readonly string[] {
  const changes: string[] = [];
  for (const key of ['capabilities', 'rlimits'])
    if (process[key] === undefined && linux[key] !== undefined) {
      process[key] = linux[key];
      delete linux[key];
      changes.push(`${key} below process`);
    }
  if (Array.isArray(process.capabilities)) {
    const { capabilities } = process;
    // not inheritable: a program with file capabilities would get more than the container has (CVE-2022-29162)
    process.capabilities = { bounding: capabilities, effective: capabilities, permitted: capabilities };
    changes.push('capabilities by set');
  }
  if (typeof process.cwd !== 'string' || process.cwd === '') {
    process.cwd = '/';
    changes.push('cwd /');
  }
  return [...changes, ...presentLimits(process)];
}

function presentLimits(process: Json): readonly string[] {
  let hasChanged = false;
  for (const limit of objectsIn(process, 'rlimits'))
    for (const key of ['hard', 'soft'])
      if (typeof limit[key] === 'number' && limit[key] < 0) {
        limit[key] = UNLIMITED;
        hasChanged = true;
      }
  return hasChanged ? ['rlimits of -1 unlimited'] : [];
}

function presentLinux(linux: Json): readonly string[] {
  const changes: string[] = [];
  const memory = objectIn(objectIn(linux, 'resources'), 'memory');
  if (typeof memory?.swappiness === 'number' && memory.swappiness < 0) {
    delete memory.swappiness;
    changes.push('memory.swappiness left out');
  }
  const single = objectsIn(objectIn(linux, 'seccomp'), 'syscalls').filter(
    (rule) => rule.names === undefined && typeof rule.name === 'string',
  );
  for (const rule of single) {
    rule.names = [rule.name];
    delete rule.name;
  }
  return single.length === 0 ? changes : [...changes, 'seccomp rules by lists of names'];
}

function withoutLabels(
  { process, linux }: { process: Json | undefined; linux: Json | undefined },
  { hasSelinux, hasApparmor }: Confinement,
): readonly string[] {
  const labels = [
    { where: process, key: 'selinuxLabel', isKnown: hasSelinux, system: 'SELinux' },
    { where: linux, key: 'mountLabel', isKnown: hasSelinux, system: 'SELinux' },
    { where: process, key: 'apparmorProfile', isKnown: hasApparmor, system: 'AppArmor' },
  ];
  return labels.flatMap(({ where, key, isKnown, system }) => {
    if (isKnown || where === undefined || !where[key]) return [];
    delete where[key];
    return [`${key} left out (${system} is not enabled)`];
  });
}
