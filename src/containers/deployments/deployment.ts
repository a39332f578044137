/** A deployment of a container and its record, the file `info`. */
import { join } from 'node:path';
import * as z from 'zod/mini';
import { AtomicError } from '../../errors.ts';
import { isUnreadable, readIfPresent } from '../../host/files/files.ts';

/** The last date that ECMAScript can hold, in seconds. */
const LATEST = 8.64e12;

/** The keys of `info`; those that old records lack have defaults. */
const KEYS = {
  image: z.catch(z.string(), ''),
  revision: z.pipe(
    z.nullish(z.string()),
    z.transform((value) => value ?? ''),
  ),
  'ostree-commit': z.catch(z.string(), ''),
  /** Seconds since the epoch; what no date can hold counts as unknown. */
  created: z.catch(z.number().check(z.minimum(0)).check(z.maximum(LATEST)), 0),
  values: z.catch(z.record(z.string(), z.unknown()), {}),
  'has-container-service': z.catch(z.boolean(), true),
  'installed-files': z.nullish(z.array(z.string())),
  'installed-files-checksum': z.nullish(z.record(z.string(), z.string())),
  /** Ours alone: the texts of symbolic links among the installed files. */
  'installed-files-links': z.nullish(z.record(z.string(), z.string())),
  /** Ours alone: the sizes of regular files among the installed files, in bytes. */
  'installed-files-sizes': z.nullish(z.record(z.string(), z.number())),
  /** Ours alone: what stayed in the place of a file, since other containers have it, too. */
  'installed-files-kept': z.nullish(z.record(z.string(), z.string())),
  /** Ours alone: folders that had to be made for the installed files. */
  'created-folders': z.nullish(z.array(z.string())),
  'installed-files-template': z.nullish(z.array(z.string())),
  'rename-installed-files': z.nullish(z.record(z.string(), z.string())),
  'rpm-installed': z.nullish(z.string()),
  'system-package': z.nullish(z.string()),
  /** Ours alone: whether the person has let packages of the image run scripts on the host. */
  'package-scripts': z.nullish(z.boolean()),
  remote: z.nullish(z.string()),
  'use-links': z.catch(z.boolean(), false),
  runtime: z.nullish(z.string()),
  /** The names among `values` that the person set; absent in records of the Python tool. */
  'set-values': z.nullish(z.array(z.string())),
};

/** `info`; keys that we do not know are kept. */
const Info = z.looseObject(KEYS);

export type Info = z.infer<typeof Info>;

/** What the listings show of a record: it takes a tenth of the time to check. */
const Summary = z.object({
  image: KEYS.image,
  revision: KEYS.revision,
  created: KEYS.created,
  'has-container-service': KEYS['has-container-service'],
  runtime: KEYS.runtime,
});

/** What we write to `info`: the keys that we know, and no other. */
export type InfoRecord = Recorded<Required<z.infer<z.ZodMiniObject<typeof KEYS>>>>;

type Recorded<Value> = Value extends object ? { readonly [Key in keyof Value]: Recorded<Value[Key]> } : Value;

/** One checkout of a container, whole. */
export interface Deployment {
  readonly name: string;
  /** The directory, absolute, links resolved. */
  readonly path: string;
  readonly info: Info;
}

/** A deployment as the listings show it. */
export interface DeploymentSummary extends Omit<Deployment, 'info'> {
  readonly info: z.infer<typeof Summary>;
}

/**
 * Reads a deployment.
 *
 * @throws AtomicError when its `info` is missing or damaged
 */
export function readDeployment(name: string, path: string): Deployment {
  return { name, path, info: readRecord(Info, path) };
}

/** Reads what the listings show of a deployment; see {@link readDeployment}. */
export function readSummary(name: string, path: string): DeploymentSummary {
  return { name, path, info: readRecord(Summary, path) };
}

function readRecord<Schema extends z.ZodMiniType>(schema: Schema, path: string): z.infer<Schema> {
  const file = join(path, 'info');
  const text = readReadable(file);
  if (text === undefined) throw new AtomicError(`cannot read ${file}: it is missing or not a readable file`);
  return parseRecord(schema, text, file);
}

function readReadable(file: string): string | undefined {
  try {
    return readIfPresent(file);
  } catch (error) {
    if (isUnreadable(error)) return undefined;
    throw error;
  }
}

/** Parses an `info` record; `file` is for messages. */
export function parseInfo(text: string, file: string): Info {
  return parseRecord(Info, text, file);
}

function parseRecord<Schema extends z.ZodMiniType>(
  schema: Schema,
  text: string,
  file: string,
): z.infer<Schema> {
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    throw new AtomicError(`${file} is damaged: it is not the record of a deployment`, { cause: error });
  }
}

/** The text of an `info` record, as the Python tool writes it. */
export function renderInfo(info: Record<string, unknown>): string {
  return `${JSON.stringify(info, undefined, 4)}\n`;
}
