/** Decides which values of a deployment an update keeps. */
import type { Context } from '../../context.ts';
import type { Info } from '../deployments/deployment.ts';
import type { Values } from './template.ts';
import { FORCED_VARIABLES, pidFileOf } from './values.ts';

/** Made anew for every deployment: forced, or taken from this host and this program. */
const RECOMPUTED = new Set([...FORCED_VARIABLES, 'RUNTIME', 'ATOMIC', 'ALL_PROCESS_CAPABILITIES', 'UUID']);

/** All recorded values as text. */
export function recordedValues({ values }: Info): Values {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]));
}

/**
 * The values that the person has set. The Python tool did not record which those are, so that old defaults would stay
 * for ever: for its records, all values count that are neither computed nor equal to a default of image or host.
 *
 * @param defaults the `defaultValues` of the deployment's own image
 */
export function valuesSetByPerson(
  context: Context,
  { name, info }: { name: string; info: Info },
  defaults: Values,
): Values {
  const values = recordedValues(info);
  const chosen = info['set-values'];
  if (chosen) return Object.fromEntries(Object.entries(values).filter(([key]) => chosen.includes(key)));
  const hostDefaults: Values = {
    RUN_DIRECTORY: context.paths.run,
    PIDFILE: pidFileOf(values.RUN_DIRECTORY ?? context.paths.run, name),
    CONF_DIRECTORY: context.paths.configuration,
    STATE_DIRECTORY: context.paths.state,
  };
  const isDefault = (key: string, value: string) => (hostDefaults[key] ?? defaults[key]) === value;
  return Object.fromEntries(
    Object.entries(values).filter(([key, value]) => !RECOMPUTED.has(key) && !isDefault(key, value)),
  );
}
