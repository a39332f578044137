/** The pending marker: records a command before it changes anything that a crash could leave half-done. */
import { dirname } from 'node:path';
import * as z from 'zod';
import type { Context } from '../../context.ts';
import { faultPoint } from '../../faults.ts';
import {
  entriesIfPresent,
  exists,
  readIfPresent,
  removeIfPresent,
  removeTemporary,
  replaceFile,
  syncPath,
} from '../../host/files/files.ts';
import type { Container } from '../deployments/container.ts';
import { type ContainerName, isContainerName } from '../deployments/name.ts';
import { Running } from '../service/restart-set.ts';

const Pending = z.object({
  operation: z.enum(['install', 'update', 'rollback', 'uninstall']),
  /** The runtime that may have a container of that name. */
  runtime: z.string(),
  /** The deployment that was active before; none at an install. */
  from: z.string().optional(),
  /** What ran before, and has to run afterwards. */
  running: Running,
});

export type Pending = z.infer<typeof Pending>;

/** Whether a command on the container is under way, or was cut short. */
export function isPending({ marker }: Container): boolean {
  return exists(marker);
}

/** The containers on which a command is under way, or was cut short, sorted. */
export function pendingNames({ paths }: Context): readonly ContainerName[] {
  return entriesIfPresent(paths.checkouts)
    .map((entry) => /^\.(.+)\.pending$/.exec(entry.name)?.[1] ?? '')
    .filter(isContainerName)
    .sort();
}

/** Puts the marker of a container on disk. */
export async function markPending({ marker }: Container, pending: Pending): Promise<void> {
  await replaceFile(marker, `${JSON.stringify(pending)}\n`, 0o600);
}

/** Removes the marker: the host agrees with the link again. */
export async function clearPending(context: Context, { marker }: Container): Promise<void> {
  if (await removeIfPresent(marker)) await syncPath(dirname(marker));
  await faultPoint(context, 'finish.unmarked');
}

/** The marker of a container, `undefined` without one; a damaged one says only that something was under way. */
export async function readPending({ marker }: Container): Promise<Partial<Pending> | undefined> {
  await removeTemporary(marker);
  const text = readIfPresent(marker);
  if (text === undefined) return undefined;
  try {
    return Pending.parse(JSON.parse(text));
  } catch {
    return {};
  }
}
