/** Reads what the files of a container are made of: the image's exports, the runtime's answers, the user's ids. */
import { join } from 'node:path';
import type { Context } from '../../context.ts';
import { AtomicError } from '../../errors.ts';
import { readIfPresent, removeIfPresent } from '../../host/files/files.ts';
import { type RuntimeFeatures, writeDefaultConfig } from '../../host/runtime/runtime.ts';
import type { Exports } from './exports.ts';
import { type Confinement, confinementOf } from './present-config.ts';
import type { Template, Values } from './template.ts';
import { execValues } from './unit.ts';
import { type UserRights, userRights } from './user-rights.ts';
import { pidFileOf, resolveValues } from './values.ts';

/** An image on its way to become a container: with which values, for which runtime. */
export interface Instance {
  readonly image: { readonly id: string };
  /** The name of the image, under which a later update looks for a newer one. */
  readonly reference: string;
  /** What the person set, now or earlier. */
  readonly set: Values;
  readonly runtime: string;
}

/** What config.json is made of. */
export interface ConfigMaterial {
  readonly exports: Exports;
  /** What the runtime proposes; absent when the image brings a configuration. */
  readonly proposed: string | undefined;
  /** What an ordinary user may use; absent for root. */
  readonly rights: UserRights | undefined;
  readonly confinement: Confinement;
}

/**
 * Reads what config.json is made of.
 *
 * @param scratch an existing directory for the runtime to write its proposal to; it holds nothing more afterwards
 * @throws AtomicError when the image brings no configuration and the runtime proposes none
 */
export async function configMaterial(
  context: Context,
  { exports, runtime, scratch }: { exports: Exports; runtime: string; scratch: string },
): Promise<ConfigMaterial> {
  const isComplete = exports.config !== undefined || exports.configTemplate !== undefined;
  const proposed = isComplete ? undefined : await proposedConfig(context, runtime, scratch);
  return {
    exports,
    proposed,
    rights: context.user.isRoot ? undefined : await userRights(context),
    confinement: confinementOf(),
  };
}

async function proposedConfig(context: Context, runtime: string, scratch: string): Promise<string> {
  const file = join(scratch, 'config.json');
  await writeDefaultConfig(context, runtime, scratch);
  const text = readIfPresent(file);
  if (text === undefined)
    throw new AtomicError(`${runtime} wrote no default config.json; the image has none either`);
  await removeIfPresent(file);
  return text;
}

/** What decides the values of an instance besides itself. */
export interface ValueSources {
  /** `$NAME` of templates. */
  readonly name: string;
  readonly exports: Exports;
  readonly features: RuntimeFeatures;
  readonly unit: Template;
  /** DESTDIR: where the container will live. */
  readonly destination: string;
  /** What beats the image's defaults, and is no choice of the person's: the UUID of the deployment before. */
  readonly kept?: Values;
}

/** The values of all variables. */
export async function valuesFor(
  context: Context,
  instance: Instance,
  { name, exports, features, unit, destination, kept = {} }: ValueSources,
): Promise<Values> {
  const { runtime, set, reference, image } = instance;
  const pidFile = set.PIDFILE ?? pidFileOf(set.RUN_DIRECTORY ?? context.paths.run, name);
  const exec = execValues(unit, { name, runtime, features, isRoot: context.user.isRoot, pidFile });
  const facts = { name, destination, runtime, imageName: reference, imageId: image.id };
  const manifest = { ...exports.manifest.defaultValues, ...kept };
  return await resolveValues(context, facts, { manifest, set, exec });
}

/** The templates that config.json and the tmpfiles.d file are made of; a config.json that is complete beats its template. */
export function templatesOf({ config, configTemplate, tmpfilesTemplate }: Exports): readonly Template[] {
  const candidates = [config === undefined ? configTemplate : undefined, tmpfilesTemplate];
  return candidates.filter((template) => template !== undefined);
}
