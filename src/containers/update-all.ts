/** `atomic containers update --all`: updates one container after the other; a failure does not stop the others. */

import type { Context } from '../context.ts';
import { ifPossible, isFailure, lineOf } from '../errors.ts';
import { note, warn } from '../events.ts';
import { findImage } from '../images/store/images.ts';
import { activePath, containerOf } from './deployments/container.ts';
import { type Deployment, readDeployment } from './deployments/deployment.ts';
import { readDeployments } from './deployments/inventory.ts';
import { parseContainerName } from './deployments/name.ts';
import { updateContainer } from './update.ts';

export type UpdateStatus = 'Failed' | 'Unknown' | 'Updated now' | 'Updated' | 'Not updated';

/** How the update of one container went; ids are those of images. */
export interface UpdateRow {
  readonly name: string;
  readonly before: string;
  readonly after: string;
  /** The image in the store, `undefined` when it is not there. */
  readonly latest: string | undefined;
  readonly status: UpdateStatus;
}

/** Updates all containers, those with a root file system of their own first, since the others follow them. */
export async function updateAllContainers(context: Context): Promise<readonly UpdateRow[]> {
  const deployments = [...readDeployments(context)];
  const ordered = deployments.sort((a, b) => Number(Boolean(a.info.remote)) - Number(Boolean(b.info.remote)));
  const rows = [];
  for (const deployment of ordered) rows.push(await updateOne(context, deployment));
  return rows;
}

async function updateOne(context: Context, { name, info }: Deployment): Promise<UpdateRow> {
  note(context, `Checking container ${name}...`);
  const latest = latestImage(context, info.image);
  const [before, hasFailed] = [revisionOf(context, name) ?? info.revision, await fails(context, name)];
  const after = revisionOf(context, name) ?? before;
  return { name, before, after, latest, status: statusOf({ before, after, latest, hasFailed }) };
}

async function fails(context: Context, name: string): Promise<boolean> {
  try {
    await updateContainer(context, { name, set: [], keepsFailed: false });
    return false;
  } catch (error) {
    if (!isFailure(error)) throw error;
    warn(context, `${name}: ${lineOf(error)}`);
    return true;
  }
}

function latestImage(context: Context, reference: string): string | undefined {
  return ifPossible(() => findImage(context, reference)?.id);
}

function revisionOf(context: Context, name: string): string | undefined {
  const path = activePath(containerOf(context, parseContainerName(name)));
  return path === undefined ? undefined : readDeployment(name, path).info.revision;
}

function statusOf({
  before,
  after,
  latest,
  hasFailed,
}: {
  before: string;
  after: string;
  latest: string | undefined;
  hasFailed: boolean;
}): UpdateStatus {
  if (latest === undefined) return 'Unknown';
  if (hasFailed) return 'Failed';
  if (after !== latest) return 'Not updated';
  return before === after ? 'Updated' : 'Updated now';
}
