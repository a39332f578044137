/** Finds the variables of an image: those that its templates use, and those that have a value anyway. */
import type { Context } from '../../context.ts';
import { orUndefined } from '../../errors.ts';
import { warn } from '../../events.ts';
import { type ImageTree, openImageTree } from '../../images/layers/image-tree.ts';
import type { LocalImage } from '../../images/store/images.ts';
import { type ExportsManifest, parseExportsManifest } from '../rendering/exports.ts';
import { type Template, type Values, variablesOf } from '../rendering/template.ts';
import { FORCED_VARIABLES } from '../rendering/values.ts';

/** The variables that a person can set when installing an image. */
export interface ImageVariables {
  /** Those that have a value without being set; {@link SET_BY_OS} for what depends on the host. */
  readonly defaults: Values;
  /** Names of those that have none. */
  readonly required: readonly string[];
}

/** What stands for the value of a variable that is known only at the installation. */
export const SET_BY_OS = '{SET_BY_OS}';

/** Listed for every image, used or not. */
const ALWAYS_SET = [
  'ALL_PROCESS_CAPABILITIES',
  'CONF_DIRECTORY',
  'PIDFILE',
  'RUN_DIRECTORY',
  'STATE_DIRECTORY',
  'UUID',
];
/** compat: the Python tool does not list these by themselves, so they are shown only where they are used. */
const SET_WHERE_USED = ['ATOMIC', 'RUNTIME'];

/**
 * Reads the variables of an image of the store.
 *
 * @throws AtomicError when the image, or its manifest.json, is damaged
 */
export async function imageVariables(context: Context, image: LocalImage): Promise<ImageVariables> {
  const tree = openImageTree(context, image);
  const manifest = parseExportsManifest(await tree.readText('exports/manifest.json'), image.name);
  const used = usedVariables(context, await templatesOf(tree, manifest));
  return sortVariables(manifest.defaultValues, used);
}

/** Everything that is filled in at an installation: templates, new names of host files, and host files. */
async function templatesOf(tree: ImageTree, manifest: ExportsManifest): Promise<readonly Template[]> {
  const names = (await tree.filesBelow('exports')).filter((path) => /^[^/]*\.template$/.test(path));
  const hostFiles = (await tree.filesBelow('exports/hostfs'))
    .filter((path) => manifest.installedFilesTemplate.includes(hostPath(path, manifest)))
    .map((path) => `hostfs/${path}`);
  const read = [...names, ...hostFiles].map(async (name) => {
    const file = `/exports/${name}`;
    return { file, text: (await tree.readText(file)) ?? '' };
  });
  const renames = Object.values(manifest.renameFiles).map((text) => ({ file: 'manifest.json', text }));
  return [...(await Promise.all(read)), ...renames];
}

/** Where a file of `hostfs` goes, as `installedFilesTemplate` spells it; directories can be renamed as well. */
function hostPath(path: string, { renameFiles }: ExportsManifest): string {
  return path.split('/').reduce((directory, part) => {
    const next = `${directory}/${part}`;
    return renameFiles[next] ?? next;
  }, '');
}

/** A template that could not be installed must not hide what else there is to know. */
function usedVariables(context: Context, templates: readonly Template[]): ReadonlySet<string> {
  const names = templates.flatMap((template) => {
    const found = orUndefined(
      () => variablesOf(template),
      (error) => warn(context, error.line),
    );
    return found ?? [];
  });
  return new Set(names);
}

/** compat: values of the host override those of the manifest, except the UUID. */
function sortVariables(manifest: Values, used: ReadonlySet<string>): ImageVariables {
  const setByHost = [...ALWAYS_SET, ...SET_WHERE_USED.filter((name) => used.has(name))];
  const generated = Object.fromEntries(setByHost.map((name) => [name, SET_BY_OS]));
  const uuid = manifest.UUID === undefined ? {} : { UUID: manifest.UUID };
  const defaults: Values = { ...manifest, ...generated, ...uuid };
  const required = [...used].filter(
    (name) => !FORCED_VARIABLES.includes(name) && !Object.hasOwn(defaults, name),
  );
  return { defaults, required: required.sort() };
}
