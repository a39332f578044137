/** Chooses the config.json of a container: the image's own, its rendered template, or the runtime's default. */
import { AtomicError } from '../../errors.ts';
import type { User } from '../../host/host.ts';
import type { ConfigMaterial } from './material.ts';
import { completeDefaultConfig, withRootPath } from './oci-config.ts';
import { type PresentConfig, presentConfig } from './present-config.ts';
import { renderTemplate, type Values } from './template.ts';
import { configForUser } from './user-config.ts';

/** What the rendered configuration is for. */
export interface ConfigPurpose {
  /** The path of config.json, for messages. */
  readonly file: string;
  /** The root file system, when it is not the one beside config.json. */
  readonly rootPath?: string;
}

/**
 * Renders config.json, as a present runtime on this host takes it.
 *
 * @throws AtomicError when it is not an OCI configuration, or a variable has no value
 */
export function renderConfig(
  material: ConfigMaterial,
  values: Values,
  purpose: ConfigPurpose,
): PresentConfig {
  const { file, rootPath } = purpose;
  const { text, changes } = presentConfig(chooseConfig(material, values, file), file, material.confinement);
  const based = rootPath === undefined ? text : withRootPath(text, file, rootPath);
  if (material.rights === undefined) return { text: based, changes };
  const own = configForUser(based, file, material.rights);
  return { text: own.text, changes: [...changes, ...own.changes] };
}

/** What of an image does not become part of its container as it is. */
export interface Changes {
  readonly config: readonly string[];
  /** What the units of ordinary users cannot have. */
  readonly unit: readonly string[];
  /** Paths of host files that are not installed. */
  readonly hostFiles: readonly string[];
}

/** What a person is told of the changes to an image, if there are any, in one line. */
export function noteOfChanges(
  reference: string,
  { config, unit, hostFiles }: Changes,
  { isRoot }: Pick<User, 'isRoot'>,
): string | undefined {
  if (isRoot)
    return config.length === 0
      ? undefined
      : `Note: config.json of ${reference} is adapted to this host's runtimes: ${config.join(', ')}`;
  const parts = [
    ...(config.length === 0 ? [] : [`config.json: ${config.join(', ')}`]),
    ...(unit.length === 0 ? [] : [`unit: ${unit.join(', ')}`]),
    ...(hostFiles.length === 0 ? [] : [`host files are not installed: ${inShort(hostFiles)}`]),
  ];
  return parts.length === 0
    ? undefined
    : `Note: ${reference} is adapted to run without root: ${parts.join('; ')}`;
}

/** As many of the paths as a line can hold. */
function inShort(paths: readonly string[]): string {
  const shown = paths.slice(0, 3).join(', ');
  return paths.length <= 3 ? shown : `${shown} and ${paths.length - 3} more`;
}

function chooseConfig({ exports, proposed }: ConfigMaterial, values: Values, file: string): string {
  if (exports.config !== undefined) return exports.config;
  if (exports.configTemplate !== undefined) return renderTemplate(exports.configTemplate, values);
  if (proposed === undefined) throw new AtomicError(`${file}: neither the image nor the runtime brings one`);
  return completeDefaultConfig(proposed, file);
}
