/** Makes a container that shares a root file system follow the deployments of its owner. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Context } from '../../context.ts';
import { Interrupted, lineOf, orUndefined } from '../../errors.ts';
import { warn } from '../../events.ts';
import { replaceFile } from '../../host/files/files.ts';
import type { Container } from '../deployments/container.ts';
import { type Deployment, readDeployment, renderInfo } from '../deployments/deployment.ts';
import { isContainerName } from '../deployments/name.ts';
import { runtimeFor } from '../deployments/runtime.ts';
import { dependantsOf, findRemoteRootfs, sharedRootfsIn } from '../deployments/shared-rootfs.ts';
import { withRootPath } from '../rendering/oci-config.ts';
import type { RunningContainer } from '../service/restart-set.ts';

/**
 * Makes the containers that share the root file system of `base` use that of its deployment in `path`. A damaged one
 * cannot follow, which is said, and is nobody else's business.
 *
 * @returns those that follow
 */
export async function pointFollowers(
  context: Context,
  base: Container,
  path: string,
): Promise<readonly RunningContainer[]> {
  const deployment = orUndefined(() => readDeployment(base.name, path));
  const followers: RunningContainer[] = [];
  for (const follower of dependantsOf(context, base)) {
    const { name, info } = follower;
    const rootfs = () => sharedRootfsIn(base, path, info.remote ?? '');
    const hasFollowed = await follows(context, follower, { rootfs, base: deployment });
    if (hasFollowed && isContainerName(name))
      followers.push({ name, runtime: runtimeFor(context, { recorded: info.runtime }) });
  }
  return followers;
}

/** Makes a deployment that shares a root file system use the one that is there now. */
export async function followOwnBase(context: Context, deployment: Deployment): Promise<void> {
  const { remote } = deployment.info;
  if (!remote) return;
  const rootfs = () => findRemoteRootfs(context, remote).folder;
  await follows(context, deployment, { rootfs, base: undefined });
}

interface Following {
  readonly rootfs: () => string;
  /** The deployment that has the root file system; when both are of one image, the record follows, too. */
  readonly base: Deployment | undefined;
}

/** Says whether it was possible; whatever keeps it from that is worth a warning. */
async function follows(context: Context, follower: Deployment, following: Following): Promise<boolean> {
  try {
    await follow(follower, following);
    return true;
  } catch (error) {
    if (error instanceof Interrupted) throw error;
    const text = `Container '${follower.name}' cannot follow the container whose root file system it shares: ${lineOf(error)}`;
    warn(context, text);
    return false;
  }
}

async function follow(follower: Deployment, { rootfs, base }: Following): Promise<void> {
  const config = join(follower.path, 'config.json');
  const text = readFileSync(config, 'utf8');
  const followed = withRootPath(text, config, rootfs());
  if (followed !== text) await replaceFile(config, followed, 0o600);
  if (base === undefined) return;
  const { image, revision, 'ostree-commit': commit } = base.info;
  if (follower.info.image !== image || follower.info.revision === revision) return;
  const info = { ...follower.info, revision, 'ostree-commit': commit };
  await replaceFile(join(follower.path, 'info'), renderInfo(info), 0o600);
}
