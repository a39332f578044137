/** Reads what an image says about its installation: its `/exports` directory. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { AtomicError } from '../../errors.ts';
import { pathInside } from '../../host/files/path-inside.ts';
import { parseJson } from '../../json.ts';
import type { Template } from './template.ts';

/** Values other than text take their JSON spelling. */
const DefaultValue = z.pipe(
  z.unknown(),
  z.transform((value) => (typeof value === 'string' ? value : JSON.stringify(value))),
);

/** `/exports/manifest.json`; unknown keys are ignored. */
const ExportsManifest = z.looseObject({
  defaultValues: z._default(z.record(z.string(), DefaultValue), {}),
  renameFiles: z._default(z.record(z.string(), z.string()), {}),
  installedFilesTemplate: z._default(z.array(z.string()), []),
  useLinks: z._default(z.boolean(), true),
  noContainerService: z._default(z.boolean(), false),
});

export type ExportsManifest = z.infer<typeof ExportsManifest>;

export interface Exports {
  /** Whether there is a directory `/exports` at all. */
  readonly isPresent: boolean;
  readonly manifest: ExportsManifest;
  /** `config.json`, to be taken as it is; it wins over the template. */
  readonly config: string | undefined;
  readonly configTemplate: Template | undefined;
  readonly serviceTemplate: Template | undefined;
  readonly tmpfilesTemplate: Template | undefined;
}

/**
 * Reads the exports of an unpacked image.
 *
 * @param shownAs the path of `rootfs` in messages: the checkout is built elsewhere than it will live
 * @throws AtomicError when manifest.json is not valid
 */
export async function readExports(rootfs: string, shownAs: string, image: string): Promise<Exports> {
  const read = async (name: string) => await readInside(rootfs, `exports/${name}`);
  const template = async (name: string): Promise<Template | undefined> => {
    const text = await read(name);
    return text === undefined ? undefined : { file: join(shownAs, 'exports', name), text };
  };
  return {
    isPresent: (await pathInside(rootfs, 'exports')) !== undefined,
    manifest: parseExportsManifest(await read('manifest.json'), image),
    config: await read('config.json'),
    configTemplate: await template('config.json.template'),
    serviceTemplate: await template('service.template'),
    tmpfilesTemplate: await template('tmpfiles.template'),
  };
}

/** The text of a regular file of an unpacked image; anything else (a directory, a device) counts as absent. */
export async function readInside(rootfs: string, path: string): Promise<string | undefined> {
  const found = await pathInside(rootfs, path);
  if (found === undefined || !(await stat(found)).isFile()) return undefined;
  return await readFile(found, 'utf8');
}

/**
 * Parses `/exports/manifest.json`; an image without it has the defaults.
 *
 * @throws AtomicError that names the image
 */
export function parseExportsManifest(text: string | undefined, image: string): ExportsManifest {
  if (text === undefined) return ExportsManifest.parse({});
  return parseJson(ExportsManifest, text, ({ reason, cause }) => {
    return new AtomicError(`Invalid manifest.json file in image: ${image}.`, { hint: reason, cause });
  });
}
