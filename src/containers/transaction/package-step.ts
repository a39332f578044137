/** The step of a change in which the package of the host becomes that of the deployment. */
import type { Context } from '../../context.ts';
import type { Container } from '../deployments/container.ts';
import { exchangePackage, restorePackage } from '../system-package/installed.ts';
import { reloadForUnits } from '../units/reload.ts';
import type { Change, Step } from './steps.ts';

/** The package of the new deployment takes the place of that of the old one; nothing is read where neither has one. */
export function packageStep(
  container: Container,
  { from, to, hasPackage }: Change & { hasPackage: boolean },
): Step {
  return {
    point: 'switch.package',
    run: async (context) => {
      if (!hasPackage) return;
      await reloadForUnits(context, await exchangePackage(context, container, { from, to }));
    },
    undo: async (context) => await restore(context, container, { from: to, to: from }),
  };
}

/** For a change that was cut short: rpm may have been, too, in the middle of either package. */
export function packageAgainStep(container: Container, { from, to }: Change): Step {
  const others = container.slots.find((slot) => slot !== to);
  return {
    point: 'switch.package',
    run: async (context) => await restore(context, container, { from: others, to }),
    undo: async (context) => await restore(context, container, { from: to, to: from }),
  };
}

async function restore(
  context: Context,
  container: Container,
  exchange: { from: string | undefined; to: string | undefined },
): Promise<void> {
  await reloadForUnits(context, await restorePackage(context, container, exchange));
}
