/** Writes the files of a deployment that come from templates: config.json, the unit and the tmpfiles.d file. */
import { rm } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { Context } from '../../context.ts';
import { AtomicError } from '../../errors.ts';
import { createFile, readIfPresent } from '../../host/files/files.ts';
import { writeDefaultConfig } from '../../host/runtime.ts';
import { type Container, tmpfilesCopy, unitCopy } from '../deployments/container.ts';
import type { RemoteRootfs } from '../deployments/shared-rootfs.ts';
import type { Exports } from '../rendering/exports.ts';
import {
  bindSources,
  completeDefaultConfig,
  parseOciConfig,
  requireSystemContainer,
  withRootPath,
} from '../rendering/oci-config.ts';
import { renderTemplate, type Template, type Values } from '../rendering/template.ts';
import { generateTmpfiles } from '../rendering/tmpfiles.ts';
import { completeUnit } from '../rendering/unit.ts';
import { configForUser, parseIdRanges, type UserIds } from '../rendering/user-config.ts';

/** What the files are made of, and where they go. */
export interface Rendering {
  readonly container: Container;
  readonly runtime: string;
  readonly remote: RemoteRootfs | undefined;
  readonly exports: Exports;
  readonly values: Values;
  readonly unitTemplate: Template;
  /** Where the deployment is built, and, for messages, where it belongs. */
  readonly staging: string;
  readonly destination: string;
}

/**
 * Writes config.json from the image's own, its template, or the runtime's default.
 *
 * @returns the sources of its bind mounts
 * @throws AtomicError when it is not what a system container needs
 */
export async function writeConfig(context: Context, rendering: Rendering): Promise<readonly string[]> {
  const { exports, values, remote, runtime, staging, destination } = rendering;
  const shownAs = join(destination, 'config.json');
  const own =
    exports.config ??
    (exports.configTemplate && renderTemplate(exports.configTemplate, values)) ??
    (await defaultConfig(context, runtime, staging));
  const based = remote === undefined ? own : withRootPath(own, shownAs, remote.folder);
  const text = context.user.isRoot ? based : configForUser(based, shownAs, userIds(context));
  const config = parseOciConfig(text, shownAs);
  requireSystemContainer(config, shownAs, remote !== undefined);
  await createFile(join(staging, 'config.json'), text);
  return bindSources(config, shownAs);
}

function userIds({ user }: Context): UserIds {
  const owner = { name: userInfo().username, uid: user.uid };
  const rangesIn = (file: string) => parseIdRanges(readIfPresent(file) ?? '', owner);
  return { ...user, uids: rangesIn('/etc/subuid'), gids: rangesIn('/etc/subgid') };
}

/** The configuration of an image that brings none: what the runtime itself proposes for `folder`, made to fit. */
export async function defaultConfig(context: Context, runtime: string, folder: string): Promise<string> {
  const file = join(folder, 'config.json');
  await writeDefaultConfig(context, runtime, folder);
  const proposed = readIfPresent(file);
  if (proposed === undefined)
    throw new AtomicError(`${runtime} wrote no default config.json; the image has none either`);
  await rm(file);
  return completeDefaultConfig(proposed, file);
}

/** Writes the unit: the image's template, filled in, with what every container needs. */
export async function writeUnit({
  container: { name },
  runtime,
  unitTemplate,
  values,
  staging,
}: Rendering): Promise<void> {
  const unit = completeUnit(renderTemplate(unitTemplate, values), { name, runtime });
  await createFile(unitCopy(staging, name), unit);
}

/** Writes the image's own tmpfiles.d file, or one for the missing sources of bind mounts; none without need. */
export async function writeTmpfiles(
  context: Context,
  { container: { name }, exports, values, staging }: Rendering,
  sources: readonly string[],
): Promise<void> {
  const ownFolder = join(values.RUN_DIRECTORY ?? context.paths.run, name);
  const text =
    exports.tmpfilesTemplate === undefined
      ? generateTmpfiles(sources, { user: context.user, ownFolder })
      : renderTemplate(exports.tmpfilesTemplate, values);
  if (text !== undefined) await createFile(tmpfilesCopy(staging, name), text);
}
