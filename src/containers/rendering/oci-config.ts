/** Parses OCI runtime configurations, and applies the rules of system containers. */
import { basename } from 'node:path';
import * as z from 'zod';
import { AtomicError } from '../../errors.ts';
import { parseJson } from '../../json.ts';

/** The parts of https://github.com/opencontainers/runtime-spec/blob/main/config.md that we look at. */
const Mount = z.looseObject({
  type: z.string().optional(),
  source: z.string().optional(),
});
const OciConfig = z.looseObject({
  process: z.looseObject({ args: z.array(z.string()).optional() }).optional(),
  root: z.looseObject({ path: z.string().optional(), readonly: z.boolean().optional() }).optional(),
  mounts: z.array(Mount).optional(),
  linux: z.looseObject({ cgroupsPath: z.string().optional() }).optional(),
});

export type OciConfig = z.infer<typeof OciConfig>;

/**
 * Reads a config.json.
 *
 * @param file its path, for messages
 * @throws AtomicError when it is not JSON or not an OCI configuration
 */
export function parseOciConfig(text: string, file: string): OciConfig {
  return parseJson(OciConfig, text, ({ reason, isJson, cause }) =>
    isJson
      ? new AtomicError(`Invalid configuration file: ${file}: ${reason}`, { cause })
      : new AtomicError(`Invalid json in configuration file: ${file}.`, { hint: reason, cause }),
  );
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

/** The text of a configuration with another root folder; see {@link parseOciConfig} for what it throws. */
export function withRootPath(text: string, file: string, path: string): string {
  const config = parseOciConfig(text, file);
  return JSON.stringify({ ...config, root: { ...config.root, path } }, undefined, 4);
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
  return JSON.stringify(changed, undefined, 4);
}

/** Turns what `runc spec` writes into the configuration of an image that brings none: it runs `run.sh`. */
export function completeDefaultConfig(text: string, file: string): string {
  const config = parseOciConfig(text, file);
  const completed = {
    ...config,
    root: { ...config.root, readonly: true, path: 'rootfs' },
    process: { ...config.process, terminal: false, args: ['run.sh'] },
  };
  return JSON.stringify(completed, undefined, 4);
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
