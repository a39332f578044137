/** Computes the values of template variables, and decides which source wins. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { absolutePath, type Context } from '../../context.ts';
import { AtomicError } from '../../errors.ts';
import { kernelCapabilities } from '../../host/capabilities.ts';
import type { Values } from './template.ts';

/** Variables that the program always sets itself; `--set` and manifests cannot override them. */
export const FORCED_VARIABLES: readonly string[] = [
  'DESTDIR',
  'NAME',
  'EXEC_START',
  'EXEC_STOP',
  'EXEC_STARTPRE',
  'EXEC_STOPPOST',
  'HOST_UID',
  'HOST_GID',
  'IMAGE_NAME',
  'IMAGE_ID',
];

/** What is known of a deployment before its templates are filled in. */
export interface InstanceFacts {
  readonly name: string;
  /** DEST, where the deployment will live. */
  readonly destination: string;
  readonly runtime: string;
  readonly imageName: string;
  readonly imageId: string;
}

/**
 * Parses what `--set` was given: `NAME=VALUE`, the last of a name wins.
 *
 * @throws AtomicError without `=`, with a name that no template can hold, or with a control character in the value:
 *   values are pasted into units and JSON, where a line break would begin a new setting
 */
export function parseSet(assignments: readonly string[]): Values {
  return Object.fromEntries(assignments.map(parseAssignment));
}

function parseAssignment(text: string): [string, string] {
  const at = text.indexOf('=');
  const name = text.slice(0, at);
  if (at < 0 || !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
    throw new AtomicError(`Invalid value '${printable(text)}'.  Expected form NAME=VALUE`);
  const value = text.slice(at + 1);
  if (hasControlCharacters(value))
    throw new AtomicError(`Invalid value for ${name}: it contains a line break or another control character`);
  return [name, value];
}

/** Anything below a blank but a tab, and DEL. */
function hasControlCharacters(text: string): boolean {
  return [...text].some((character) => (character < ' ' && character !== '\t') || character === '\x7f');
}

function printable(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/**
 * Puts the variables together: forced ones beat `--set`, which beats the tool's defaults, which beat the
 * manifest's; only a manifest's UUID beats the generated one.
 */
export async function resolveValues(
  context: Context,
  facts: InstanceFacts,
  { manifest, set, exec }: { manifest: Values; set: Values; exec: Values },
): Promise<Values> {
  const runDirectory = set.RUN_DIRECTORY ?? context.paths.run;
  const defaults = {
    RUN_DIRECTORY: runDirectory,
    PIDFILE: pidFileOf(runDirectory, facts.name),
    CONF_DIRECTORY: context.paths.configuration,
    STATE_DIRECTORY: context.paths.state,
    ALL_PROCESS_CAPABILITIES: await capabilityList(context),
    RUNTIME: facts.runtime,
    ATOMIC: absolutePath(context, context.program),
  };
  return { UUID: randomUUID(), ...manifest, ...defaults, ...set, ...exec, ...forcedValues(context, facts) };
}

/** The pid file when nobody sets `PIDFILE`. */
export function pidFileOf(runDirectory: string, name: string): string {
  return join(runDirectory, `container-${name}.pid`);
}

function forcedValues({ user }: Context, facts: InstanceFacts): Values {
  return {
    DESTDIR: facts.destination,
    NAME: facts.name,
    HOST_UID: String(user.uid),
    HOST_GID: String(user.gid),
    IMAGE_NAME: facts.imageName,
    IMAGE_ID: facts.imageId,
  };
}

/** A fragment of a JSON array: quoted names, a comma and a line break between them, a line break at the end. */
async function capabilityList(context: Context): Promise<string> {
  const names = await kernelCapabilities(context);
  return `${names.map((name) => `"${name}"`).join(',\n')}\n`;
}
