/** Says what a planned deployment would change, for `--display`. */
import { join } from 'node:path';
import type { Context } from '../../context.ts';
import { note } from '../../events.ts';
import { systemctlArgv } from '../../host/systemd.ts';
import { tmpfilesArgv } from '../../host/tmpfiles.ts';
import type { Container } from '../deployments/container.ts';
import { renderInfo } from '../deployments/deployment.ts';
import type { DeploymentPlan } from './plan.ts';

/** What changes with a deployment, besides its own directory. */
export interface ShownChange {
  readonly unit: string | undefined;
  readonly tmpfiles: string | undefined;
  /** `enable` at an install; otherwise the names of the containers and units that are stopped and started. */
  readonly services: 'enable' | { readonly stopped: readonly string[]; readonly started: readonly string[] };
  /** Whether systemd would read its units again. */
  readonly isReloaded: boolean;
  /** The directory of the deployment that the container would have. */
  readonly destination: string;
}

/** Shows what would be written for a new deployment: layers, files with their texts, host files. */
export function showDeployment(context: Context, { destination, ...plan }: DeploymentPlan): void {
  for (const layer of plan.layers) note(context, `Would check out ${layer}`);
  showFile(context, join(destination, 'config.json'), plan.config);
  showFile(context, join(destination, 'info'), renderInfo(plan.info));
  for (const { path, outcome } of plan.hostFiles)
    note(
      context,
      outcome === 'installed' ? `Would install ${path}` : `Would keep ${path}, which is there already`,
    );
  const file = plan.info['rpm-installed'];
  if (file !== null) note(context, `Would install these in the package ${file}`);
}

/** Shows what would change on the host, with the commands in the order that scripts expect. */
export function showChange(context: Context, container: Container, change: ShownChange): void {
  const { name, unit, tmpfiles, link } = container;
  const { services } = change;
  const isInstall = services === 'enable';
  const command = (argv: readonly string[]) => context.report({ kind: 'command', argv });
  const systemctl = (verb: string, what: string) => command(systemctlArgv(context, verb, what));
  if (!isInstall) for (const service of services.stopped) systemctl('stop', service);
  if (change.unit !== undefined) showFile(context, unit, change.unit);
  if (change.tmpfiles !== undefined) showFile(context, tmpfiles, change.tmpfiles);
  if (change.isReloaded) command(systemctlArgv(context, 'daemon-reload'));
  if (change.tmpfiles !== undefined) command(tmpfilesArgv('--create', tmpfiles));
  if (isInstall && change.unit !== undefined) systemctl('enable', name);
  note(context, `Would make ${link} point to ${change.destination}`);
  if (!isInstall) for (const service of services.started) systemctl('start', service);
}

function showFile(context: Context, path: string, text: string): void {
  note(context, `Would write ${path}:`);
  for (const line of text.trimEnd().split('\n')) note(context, `    ${line}`.trimEnd());
}
