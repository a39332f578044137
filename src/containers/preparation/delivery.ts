/** Decides how the host files of a deployment get to the host, copied or in a package, and makes that package. */
import type { Context } from '../../context.ts';
import { AtomicError } from '../../errors.ts';
import { note } from '../../events.ts';
import type { Deployment } from '../deployments/deployment.ts';
import type { Values } from '../rendering/template.ts';
import { addPackage } from '../system-package/add.ts';
import { DeclaredConflict, requirePackagesCanGo } from '../system-package/check.ts';
import { type PackagePlan, planPackage } from '../system-package/plan.ts';
import { decideSystemPackage, findPackageSources, type SystemPackage } from '../system-package/sources.ts';
import type { DeploymentRequest } from './plan.ts';

export interface Delivery {
  readonly systemPackage: SystemPackage;
  /** What brings the host files, if it is not their being copied. */
  readonly package: PackagePlan | undefined;
}

/**
 * Decides how host files get to the host, and what a package would be made of.
 *
 * @throws AtomicError when a package is wanted, and the host takes none, or a label or the spec file is not valid
 */
export async function planDelivery(
  context: Context,
  { container, slot, image, labels, ...request }: DeploymentRequest,
  { rootfs, values }: { rootfs: string; values: Values },
): Promise<Delivery> {
  const { name } = container;
  const sources = await findPackageSources(rootfs);
  const systemPackage = await decideSystemPackage(context, { name, wanted: request.systemPackage }, sources);
  if (systemPackage === 'no' || systemPackage === 'absent') return { systemPackage, package: undefined };
  const isWhole = systemPackage === 'build';
  const material = { name, labels, imageId: image.id, version: isWhole ? '1' : String(slot), values };
  return { systemPackage, package: planPackage(sources, { ...material, isWhole }) };
}

/**
 * Makes the package of a deployment that is being built, whose host files have been laid out, and makes sure that it can
 * take the place of the one that the container has installed. When nobody has asked for one, and it cannot be made or
 * installed, files are copied, which leaves alone what is in the way.
 *
 * @returns what is to be done
 * @throws AtomicError when it cannot be made or installed, or the one before not be removed
 */
export async function prepareDelivery(
  context: Context,
  request: DeploymentRequest & { current: Deployment | undefined },
  { delivery, staging }: { delivery: Delivery; staging: string },
): Promise<Delivery> {
  const { container } = request;
  const { systemPackage, package: plan } = delivery;
  if (systemPackage === 'build') return delivery;
  if (plan === undefined) {
    if (request.current !== undefined) await requirePackagesCanGo(context, container);
    return delivery;
  }
  try {
    await addPackage(context, { ...request, plan, staging });
    return delivery;
  } catch (error) {
    const isOurChoice = request.systemPackage === 'auto' && !(error instanceof DeclaredConflict);
    if (!isOurChoice || !(error instanceof AtomicError)) throw error;
    note(context, `Host files are copied, and do not come in a package: ${error.message}`);
    return { systemPackage: 'no', package: undefined };
  }
}
