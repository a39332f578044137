/** `atomic containers update --all`: updates one container after the other; a failure does not stop the others. */
import type { Context } from '../context.ts';
import { interruptIn, lineOf } from '../errors.ts';
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
  const revision = () => ifKnown(() => revisionOf(context, name));
  const latest = ifKnown(() => findImage(context, info.image)?.id);
  const before = revision() ?? info.revision;
  const hasFailed = await fails(context, name);
  const after = revision() ?? before;
  return { name, before, after, latest, status: statusOf({ before, after, latest, hasFailed }) };
}

/** Whatever keeps one container from being updated, but an interrupt, is no reason to leave the others. */
async function fails(context: Context, name: string): Promise<boolean> {
  try {
    await updateContainer(context, { name, set: [], keepsFailed: false, isDryRun: false });
    return false;
  } catch (error) {
    if (context.signal.aborted || interruptIn(error) !== undefined) throw error;
    warn(context, `${name}: ${lineOf(error)}`);
    return true;
  }
}

/** What can be found out; what is wrong with it has been said by then. */
function ifKnown<Result>(read: () => Result): Result | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
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
