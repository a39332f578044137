/** Chooses the config.json of a container: the image's own, its rendered template, or the runtime's default. */
import { AtomicError } from '../../errors.ts';
import type { ConfigMaterial } from './material.ts';
import { completeDefaultConfig, withRootPath } from './oci-config.ts';
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
 * Renders config.json.
 *
 * @throws AtomicError when it is not an OCI configuration, or a variable has no value
 */
export function renderConfig(material: ConfigMaterial, values: Values, purpose: ConfigPurpose): string {
  const { file, rootPath } = purpose;
  const own = chooseConfig(material, values, file);
  const based = rootPath === undefined ? own : withRootPath(own, file, rootPath);
  return material.userIds === undefined ? based : configForUser(based, file, material.userIds);
}

function chooseConfig({ exports, proposed }: ConfigMaterial, values: Values, file: string): string {
  if (exports.config !== undefined) return exports.config;
  if (exports.configTemplate !== undefined) return renderTemplate(exports.configTemplate, values);
  if (proposed === undefined) throw new AtomicError(`${file}: neither the image nor the runtime brings one`);
  return completeDefaultConfig(proposed, file);
}
