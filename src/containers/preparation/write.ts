/** Writes the files of a planned deployment beside its root file system. */
import { join } from 'node:path';
import type { Context } from '../../context.ts';
import { createFileUnsynced } from '../../host/files/files.ts';
import { removeTree } from '../../host/files/remove-tree.ts';
import { openToRootOf } from '../../images/store/passage.ts';
import { tmpfilesCopy, unitCopy } from '../deployments/container.ts';
import { renderInfo } from '../deployments/deployment.ts';
import type { DeploymentPlan } from './plan.ts';

/**
 * Values may be secrets: nobody else may read what is filled in with them. Units are the exception: systemd tells
 * every user what is in them, whatever their mode.
 */
const PRIVATE = 0o600;

/**
 * Writes a deployment to the directory in which its root file system and its host files are already; all of it is put on
 * disk together, by the caller.
 */
export async function writeDeployment(
  context: Context,
  { config, unit, tmpfiles, info, rootfs }: DeploymentPlan,
  { name, staging }: { name: string; staging: string },
): Promise<void> {
  await createFileUnsynced(join(staging, 'config.json'), config, PRIVATE);
  if (unit !== undefined) await createFileUnsynced(unitCopy(staging, name), unit);
  if (tmpfiles !== undefined) await createFileUnsynced(tmpfilesCopy(staging, name), tmpfiles, PRIVATE);
  await createFileUnsynced(join(staging, 'info'), renderInfo(info), PRIVATE);
  openToRootOf(context, staging, config);
  if (rootfs === 'none') await removeTree(context, join(staging, 'rootfs'));
}
