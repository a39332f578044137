/** Makes the host files agree with a deployment in one go; can be repeated from any intermediate state. */
import type { Context } from '../../context.ts';
import type { Container } from '../deployments/container.ts';
import type { Deployment } from '../deployments/deployment.ts';
import { removeHostFiles } from './remove.ts';
import { settleHostFiles } from './settle.ts';
import { stageOnHost } from './stage-on-host.ts';
import { swapHostFiles } from './swap.ts';

/**
 * Removes the files of `previous` that `active` has not, and installs those of `active`. What somebody changed stays.
 *
 * @param active the deployment whose files belong on the host; none for a container that goes
 * @param previous the deployments whose files may be there
 */
export async function applyHostFiles(
  context: Context,
  container: Container,
  { active, previous }: { active: Deployment | undefined; previous: readonly Deployment[] },
): Promise<void> {
  if (active === undefined) return await removeHostFiles(context, container, previous);
  const request = { to: active, destination: active.path, installed: [active, ...previous] };
  await stageOnHost(context, container, request);
  await swapHostFiles(context, container);
  await settleHostFiles(context, container);
}
