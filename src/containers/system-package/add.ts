/** Gives a deployment that is being built its package, and makes sure that the host will take it. */
import { join } from 'node:path';
import type { Context } from '../../context.ts';
import { ifPossible } from '../../errors.ts';
import { createFile, exists, removeIfPresent } from '../../host/files/files.ts';
import { removeTree } from '../../host/files/remove-tree.ts';
import { inspectPackage } from '../../host/packages/rpm.ts';
import { type Container, isDirectory } from '../deployments/container.ts';
import { type Deployment, readDeployment } from '../deployments/deployment.ts';
import { hostFilesMirror } from '../host-files/stage.ts';
import { makePackage } from './build.ts';
import { requirePackageFits } from './check.ts';
import type { PackagePlan } from './plan.ts';
import { packageFileOf } from './tags.ts';

interface Addition {
  readonly plan: PackagePlan;
  readonly container: Container;
  /** Where the deployment is built. */
  readonly staging: string;
  /** The deployment that it is to take over from; without one, whatever is left of the container has to go for it. */
  readonly current: Deployment | undefined;
  readonly allowsScripts: boolean;
}

/** What is filled in may be secret. */
const PRIVATE = 0o600;

/**
 * Makes the package of the host files that have been laid out in the deployment; they are not kept besides.
 *
 * @throws AtomicError when it cannot be made, or could not be installed; the files are then still there, and it is not
 */
export async function addPackage(context: Context, addition: Addition): Promise<void> {
  const { plan, container, staging, current } = addition;
  const file = join(staging, packageFileOf(container.name));
  const mirror = hostFilesMirror(staging);
  const pieces = exists(mirror) ? [{ from: mirror, to: '/' }] : [];
  try {
    await makePackage(context, { plan, pieces, target: file });
    const next = { file, ...(await inspectPackage(context, file)) };
    const leaving = current === undefined ? deploymentsOf(container) : [];
    await requirePackageFits(context, container, { ...addition, next, leaving });
  } catch (error) {
    await removeIfPresent(file);
    throw error;
  }
  if (plan.kind === 'spec') await createFile(join(staging, 'rpm.spec'), plan.spec, PRIVATE);
  await removeTree(context, mirror);
}

function deploymentsOf({ name, slots }: Container): readonly Deployment[] {
  return slots.filter(isDirectory).flatMap((path) => ifPossible(() => readDeployment(name, path)) ?? []);
}
