/** The pending marker: records a command before it changes anything that a crash could leave half-done. */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as z from 'zod/mini';
import type { Context } from '../../context.ts';
import {
  entriesIfPresent,
  exists,
  readIfPresent,
  removeIfPresent,
  replaceFile,
  syncPath,
} from '../../host/files/files.ts';
import type { Container } from '../deployments/container.ts';
import { type ContainerName, isContainerName } from '../deployments/name.ts';
import { RestartSet } from '../service/restart-set.ts';

const Marker = z.object({
  operation: z.enum(['install', 'update', 'rollback', 'uninstall']),
  /** The runtime that may have a container of that name. */
  runtime: z.string(),
  /** The deployment that was active before; none at an install. */
  from: z.optional(z.string()),
  /** The deployment that is to be active; none at an uninstall. Earlier versions of this program did not write it. */
  to: z.optional(z.string()),
  /** What ran before, and has to run afterwards; absent as long as nothing has been stopped. */
  running: z.optional(RestartSet),
});

export type Marker = z.infer<typeof Marker>;

/** Whether a change of the container is under way, or was cut short. */
export function isMarked({ marker }: Container): boolean {
  return exists(marker);
}

/** The containers on which a command is under way, or was cut short, sorted. */
export function markedNames({ paths }: Context): readonly ContainerName[] {
  return entriesIfPresent(paths.checkouts)
    .map((entry) => /^\.(.+)\.pending$/.exec(entry.name)?.[1] ?? '')
    .filter(isContainerName)
    .sort();
}

/** Puts the marker of a container on disk. */
export async function mark({ marker }: Container, content: Marker): Promise<void> {
  await mkdir(dirname(marker), { recursive: true });
  await replaceFile(marker, `${JSON.stringify(content)}\n`, 0o600);
}

/** Removes the marker for good: the host agrees with the link again. */
export async function unmark({ marker }: Container): Promise<void> {
  if (await removeIfPresent(marker)) await syncPath(dirname(marker));
}

/** The marker of a container, `undefined` without one; a damaged one says only that something was under way. */
export function readMarker({ marker }: Container): Partial<Marker> | undefined {
  const text = readIfPresent(marker);
  if (text === undefined) return undefined;
  try {
    return Marker.parse(JSON.parse(text));
  } catch {
    return {};
  }
}
