/** Services of the host, brought by its distribution, that are called as a container is. */
import type { Context } from '../../context.ts';
import { AtomicError } from '../../errors.ts';
import * as systemd from '../../host/systemd.ts';
import type { Container } from '../deployments/container.ts';
import { hiddenUnit } from '../deployments/unit-owner.ts';

/**
 * Whether what systemd would stop under the name of a container is the container's: not where it has the unit of a
 * package loaded. systemd is asked only if there is such a unit.
 */
export async function isOwnServiceLoaded(context: Context, container: Container): Promise<boolean> {
  if (hiddenUnit(context, container) === undefined) return true;
  const { fragment } = await systemd.loadedUnit(context, container.service);
  return fragment === '' || fragment === container.unit;
}

/**
 * Makes sure that a container to be does not take a running service of the host over: once its unit has been loaded,
 * systemd would stop that service for the container.
 *
 * @returns the unit of a package that the container's will hide, if any
 * @throws AtomicError when that service is running
 */
export async function requireStoppedHostService(
  context: Context,
  container: Container,
): Promise<string | undefined> {
  const hidden = hiddenUnit(context, container);
  if (hidden === undefined) return undefined;
  const { name, service } = container;
  const { fragment, isActive } = await systemd.loadedUnit(context, service);
  if (!isActive || fragment === container.unit) return hidden;
  throw new AtomicError(
    `cannot install '${name}': a service of the host has that name, and runs (${fragment})`,
    {
      hint: `choose another --name, or stop it with '${systemd.systemctlArgv(context, 'stop', name).join(' ')}'`,
    },
  );
}
