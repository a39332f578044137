/** Makes a container that shares a root file system follow the deployments of its owner. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Context } from '../../context.ts';
import { replaceFile } from '../../host/files/files.ts';
import { type Deployment, renderInfo } from '../deployments/deployment.ts';
import { findRemoteRootfs } from '../deployments/shared-rootfs.ts';
import { withRootPath } from '../rendering/oci-config.ts';

/**
 * Makes a deployment without root file system of its own use the one that its `remote` leads to now.
 *
 * @param base the deployment that has it; when both are of one image, the record follows, too
 */
export async function followBase(context: Context, dependant: Deployment, base?: Deployment): Promise<void> {
  const { folder } = findRemoteRootfs(context, dependant.info.remote ?? '');
  const config = join(dependant.path, 'config.json');
  const text = readFileSync(config, 'utf8');
  const followed = withRootPath(text, config, folder);
  if (followed !== text) await replaceFile(config, followed, 0o600);
  if (base === undefined) return;
  const { image, revision, 'ostree-commit': commit } = base.info;
  if (dependant.info.image !== image || dependant.info.revision === revision) return;
  const info = { ...dependant.info, revision, 'ostree-commit': commit };
  await replaceFile(join(dependant.path, 'info'), renderInfo(info), 0o600);
}
