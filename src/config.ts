/** Reads `/etc/atomic.conf`, a YAML map whose keys are in lower case or all in upper case. */
import { readFileSync } from 'node:fs';
import * as z from 'zod/mini';
import { AtomicError, isErrno } from './errors.ts';
import { firstIssue } from './json.ts';

const DEFAULT_FILE = '/etc/atomic.conf';

/** The environment as `main.ts` found it. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A text value; an empty one, like a key without value, counts as not set. */
const Text = z.optional(
  z.pipe(
    z.union([z.string(), z.null()], { error: 'expected text' }),
    z.transform((value) => value || undefined),
  ),
);
const AbsolutePath = Text.check(
  z.refine((value) => value === undefined || value.startsWith('/'), {
    error: 'expected an absolute path',
  }),
);
/** A path, or a bare name, which is looked up in PATH. */
const Runtime = Text.check(
  z.refine((value) => value === undefined || /^(\/|[^/]+$)/.test(value), {
    error: 'expected an absolute path or the name of a program',
  }),
);
const Storage = z.pipe(
  Text.check(
    z.refine((value) => value === undefined || ['ostree', 'docker'].includes(value), {
      error: "expected 'ostree' or 'docker'",
    }),
  ),
  z.transform((value) => (value ?? 'ostree') as 'ostree' | 'docker'),
);

const Config = z.looseObject({
  default_storage: Storage,
  ostree_repository: AbsolutePath,
  checkout_path: AbsolutePath,
  runtime: Runtime,
  http_proxy: Text,
  https_proxy: Text,
  no_proxy: Text,
});

export type Config = z.infer<typeof Config>;

/**
 * Reads the configuration; a missing `/etc/atomic.conf` means the defaults.
 *
 * @throws AtomicError with the file, the key and what was expected when a value is of the wrong kind, when the
 *   file is not YAML, cannot be read, or is named by `ATOMIC_CONF` and missing
 */
export async function readConfig(env: Environment): Promise<Config> {
  const file = env.ATOMIC_CONF || DEFAULT_FILE;
  return await parseConfig(file, readText(file, { isOptional: !env.ATOMIC_CONF }));
}

function readText(file: string, { isOptional }: { isOptional: boolean }): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT') && isOptional) return '';
    if (isErrno(error, 'ENOENT'))
      throw new AtomicError(`${file} does not exist`, { hint: 'unset or correct ATOMIC_CONF' });
    throw new AtomicError(`cannot read ${file}: ${(error as Error).message}`, { cause: error });
  }
}

/** Parses the text of the configuration; `file` is for messages. See {@link readConfig} for what it throws. */
export async function parseConfig(file: string, text: string): Promise<Config> {
  const result = Config.safeParse(isBlank(text) ? {} : lowerKeys(await parseDocument(file, text)));
  if (result.success) return result.data;
  throw new AtomicError(`${file}: ${firstIssue(result.error, 'the file')}`, { cause: result.error });
}

/** Whether nothing is set, as in the file that packages bring: then the parser need not be loaded. */
function isBlank(text: string): boolean {
  return text.split('\n').every((line) => /^\s*(?:#|$)/.test(line));
}

async function parseDocument(file: string, text: string): Promise<unknown> {
  const { parseYaml } = await import('./yaml.ts');
  return parseYaml(file, text);
}

function lowerKeys(document: unknown): unknown {
  if (typeof document !== 'object' || document === null || Array.isArray(document)) return document;
  const lower = Object.entries(document).map(([key, value]) => [
    key === key.toUpperCase() ? key.toLowerCase() : key,
    value,
  ]);
  return Object.fromEntries(lower);
}
