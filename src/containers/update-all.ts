/** `atomic containers update --all`: updates one container after the other; a failure does not stop the others. */
import type { Context } from '../context.ts';
import { ifPossible, interruptIn, lineOf, NotFoundError } from '../errors.ts';
import { note, warn } from '../events.ts';
import { findImage } from '../images/store/images.ts';
import { containerOf, installedPath } from './deployments/container.ts';
import { type Deployment, readDeployment } from './deployments/deployment.ts';
import { allFolders, isContainerLink, readOrWarn } from './deployments/inventory.ts';
import { parseContainerName } from './deployments/name.ts';
import { updateContainer } from './update.ts';

export type UpdateStatus = 'Failed' | 'Unknown' | 'Updated now' | 'Updated' | 'Not updated';

/** How the update of one container went; ids are those of images, and empty where the record cannot be read. */
export interface UpdateRow {
  readonly name: string;
  readonly before: string;
  readonly after: string;
  /** The image in the store, `undefined` when it is not there. */
  readonly latest: string | undefined;
  readonly status: UpdateStatus;
}

/**
 * Updates all containers, those with a root file system of their own first, since the others follow them. Each gets a
 * row as soon as it is done, whatever went wrong with it.
 *
 * @throws Interrupted when a signal arrives
 */
export async function* updateAllContainers(context: Context): AsyncGenerator<UpdateRow> {
  for (const name of namesInOrder(context)) yield await updateOne(context, name);
}

/** Damaged containers are among them; what is no container is named in a warning, and left out. */
function namesInOrder(context: Context): readonly string[] {
  const isAlone = new Map<string, boolean>();
  for (const folder of allFolders(context)) {
    const [name, path] = folder;
    const found = isContainerLink(context, folder)
      ? ifPossible(() => readDeployment(name, path))
      : readOrWarn(context, folder)[0];
    if (found !== undefined || isContainerLink(context, folder)) isAlone.set(name, !found?.info.remote);
  }
  return [...isAlone.keys()].sort((a, b) => Number(isAlone.get(b)) - Number(isAlone.get(a)));
}

async function updateOne(context: Context, name: string): Promise<UpdateRow> {
  note(context, `Checking container ${name}...`);
  const found = deploymentOf(context, name);
  const latest = found && ifPossible(() => findImage(context, found.info.image)?.id);
  const before = found?.info.revision ?? '';
  const failure = await tryToUpdate(context, name);
  const after = deploymentOf(context, name)?.info.revision ?? before;
  return { name, before, after, latest, status: statusOf({ before, after, latest, failure }) };
}

/** Whatever keeps one container from being updated, but an interrupt, is no reason to leave the others. */
async function tryToUpdate(context: Context, name: string): Promise<unknown> {
  try {
    await updateContainer(context, { name, set: [], keepsFailed: false, isDryRun: false });
    return undefined;
  } catch (error) {
    if (context.signal.aborted || interruptIn(error) !== undefined) throw error;
    warn(context, `${name}: ${lineOf(error)}`);
    return error;
  }
}

/** What is active; `undefined` when that cannot be read, which the update itself says. */
function deploymentOf(context: Context, name: string): Deployment | undefined {
  return ifPossible(() => {
    const path = installedPath(containerOf(context, parseContainerName(name)));
    return path === undefined ? undefined : readDeployment(name, path);
  });
}

interface Result extends Pick<UpdateRow, 'before' | 'after' | 'latest'> {
  /** What was thrown; `undefined` when nothing was. */
  readonly failure: unknown;
}

function statusOf({ before, after, latest, failure }: Result): UpdateStatus {
  const hasFailed = failure !== undefined;
  if (latest === undefined && (!hasFailed || failure instanceof NotFoundError)) return 'Unknown';
  if (hasFailed) return 'Failed';
  if (after !== latest) return 'Not updated';
  return before === after ? 'Updated' : 'Updated now';
}
