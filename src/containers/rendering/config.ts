/** Chooses the config.json of a container: the image's own, its rendered template, or the runtime's default. */
import { AtomicError } from '../../errors.ts';
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
  return {
    text: material.userIds === undefined ? based : configForUser(based, file, material.userIds),
    changes,
  };
}

/** What a person is told of the changes to an image's configuration, if there are any. */
export function noteOfChanges(reference: string, changes: readonly string[]): string | undefined {
  if (changes.length === 0) return undefined;
  return `Note: config.json of ${reference} is adapted to this host's runtimes: ${changes.join(', ')}`;
}

function chooseConfig({ exports, proposed }: ConfigMaterial, values: Values, file: string): string {
  if (exports.config !== undefined) return exports.config;
  if (exports.configTemplate !== undefined) return renderTemplate(exports.configTemplate, values);
  if (proposed === undefined) throw new AtomicError(`${file}: neither the image nor the runtime brings one`);
  return completeDefaultConfig(proposed, file);
}
