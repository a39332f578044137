/** Parses OCI runtime configurations, and applies the rules of system containers. */
import { basename } from 'node:path';
import { parse, stringify } from 'lossless-json';
import * as z from 'zod/mini';
import { AtomicError } from '../../errors.ts';
import { firstIssue, parseJson } from '../../json.ts';

/** The parts of https://github.com/opencontainers/runtime-spec/blob/main/config.md that we look at. */
const Mount = z.looseObject({
  type: z.nullish(z.string()),
  source: z.nullish(z.string()),
});
// the runtimes, which are written in Go, take null for whatever can be absent
const OciConfig = z.looseObject({
  process: z.nullish(z.looseObject({ args: z.nullish(z.array(z.string())) })),
  root: z.nullish(z.looseObject({ path: z.nullish(z.string()), readonly: z.nullish(z.boolean()) })),
  mounts: z.nullish(z.array(Mount)),
  linux: z.nullish(z.looseObject({ cgroupsPath: z.nullish(z.string()) })),
});

export type OciConfig = z.infer<typeof OciConfig>;

/**
 * Reads a config.json.
 *
 * @param file its path, for messages
 * @throws AtomicError when it is not JSON or not an OCI configuration
 */
export function parseOciConfig(text: string, file: string): OciConfig {
  const config = parseJson(OciConfig, text, ({ reason, isJson, cause }) =>
    isJson
      ? new AtomicError(`Invalid configuration file: ${file}: ${reason}`, { cause })
      : new AtomicError(`Invalid json in configuration file: ${file}.`, { hint: reason, cause }),
  );
  return BIG_NUMBER.test(text) ? OciConfig.parse(parseExactly(text)) : config;
}

/**
 * Reads a part of a configuration against a schema of its own.
 *
 * @throws AtomicError when it is not of that kind
 */
export function parsePart<Schema extends z.ZodMiniType>(
  schema: Schema,
  part: unknown,
  file: string,
): z.infer<Schema> {
  const parsed = schema.safeParse(part);
  if (parsed.success) return parsed.data;
  throw new AtomicError(`Invalid configuration file: ${file}: ${firstIssue(parsed.error)}`);
}

/** Limits of 64 bits, such as RLIM_INFINITY: rounded by JSON.parse, they are more than the runtime takes. */
const BIG_NUMBER = /\d{16}/;

function parseExactly(text: string): unknown {
  return parse(text, undefined, {
    parseNumber: (digits) => (/^-?\d{16,}$/.test(digits) ? BigInt(digits) : Number(digits)),
    onDuplicateKey: ({ newValue }) => newValue,
  });
}

/** The text of a configuration, indented by four blanks; BigInts are written as the numbers that they are. */
export function formatOciConfig(config: unknown): string {
  return stringify(config, undefined, 4) ?? '';
}

/**
 * Checks what the tool promises of every system container: a read-only root, called `rootfs` unless it is remote.
 *
 * @throws AtomicError in the Python tool's words
 */
export function requireSystemContainer(config: OciConfig, file: string, isRemote = false): void {
  if (config.root?.readonly !== true)
    throw new AtomicError('Invalid configuration file.  Only readonly images are supported', {
      hint: `set root.readonly to true in the image's /exports/${basename(file)}`,
    });
  if (config.root.path !== 'rootfs' && !isRemote)
    throw new AtomicError("Invalid configuration file.  Path must be 'rootfs'", {
      hint: `set root.path to 'rootfs' in the image's /exports/${basename(file)}`,
    });
}

/** The text of a configuration with another root directory; see {@link parseOciConfig} for what it throws. */
export function withRootPath(text: string, file: string, path: string): string {
  const config = parseOciConfig(text, file);
  return formatOciConfig({ ...config, root: { ...config.root, path } });
}

/** What a single run of a container differs in from its configuration. */
export interface SingleRun {
  /** Where its root file system is: absolute, or relative to the bundle. */
  readonly rootPath: string;
  /** Empty: the configuration's own command. */
  readonly command: readonly string[];
  readonly stdinIsTty: boolean;
}

/**
 * The text of a configuration for a single run: with its command, and in a control group of its own. See
 * {@link parseOciConfig} for what it throws.
 */
export function singleRunConfig(
  text: string,
  file: string,
  { rootPath, command, stdinIsTty }: SingleRun,
): string {
  const config = parseOciConfig(text, file);
  const { cgroupsPath: _, ...linux } = config.linux ?? {};
  const process = command.length === 0 ? {} : { args: command, terminal: stdinIsTty };
  const changed = {
    ...config,
    process: { ...config.process, ...process },
    root: { ...config.root, path: rootPath },
    linux,
  };
  return formatOciConfig(changed);
}

/** Turns what `runc spec` writes into the configuration of an image that brings none: it runs `run.sh`. */
export function completeDefaultConfig(text: string, file: string): string {
  const config = parseOciConfig(text, file);
  const completed = {
    ...config,
    root: { ...config.root, readonly: true, path: 'rootfs' },
    process: { ...config.process, terminal: false, args: ['run.sh'] },
  };
  return formatOciConfig(completed);
}

/** The command line that the container runs; empty when the configuration has none. */
export function commandOf(config: OciConfig): readonly string[] {
  return config.process?.args ?? [];
}

/**
 * The sources on the host of bind mounts, in order.
 *
 * @throws AtomicError when one holds a control character: each becomes a line of a tmpfiles.d file
 */
export function bindSources(config: OciConfig, file: string): readonly string[] {
  const sources = (config.mounts ?? []).flatMap(({ type, source }) =>
    type?.includes('bind') && source?.startsWith('/') ? [source] : [],
  );
  const bad = sources.find((source) => [...source].some((character) => character < ' '));
  if (bad !== undefined)
    throw new AtomicError(`Invalid configuration file: ${file}: bad mount source ${JSON.stringify(bad)}`);
  return sources;
}
