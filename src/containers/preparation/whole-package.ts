/** Makes a package of a whole container, to be installed elsewhere. */
import { constants } from 'node:fs';
import { copyFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { absolutePath, type Context, shieldedFrom } from '../../context.ts';
import { note } from '../../events.ts';
import { exists, removeTemporary, temporaryNameFor } from '../../host/files/files.ts';
import { removeTree } from '../../host/files/remove-tree.ts';
import { type Container, tmpfilesCopy, unitCopy } from '../deployments/container.ts';
import { hostFilesMirror } from '../host-files/stage.ts';
import { makePackage, type Piece } from '../system-package/build.ts';
import { packageFileOf } from '../system-package/tags.ts';
import { type PrepareRequest, prepareDeployment } from './prepare.ts';

/** The file that {@link buildContainerPackage} makes, in the current directory. */
export function builtPackage(context: Context, { name }: Container): string {
  return absolutePath(context, packageFileOf(name));
}

/**
 * Makes the package of a container in the current directory. Installed, it is a preinstalled container: below /usr, with
 * its unit, its tmpfiles.d file and its host files. Nothing is installed here.
 *
 * @throws AtomicError when the image or the values are not valid, or rpmbuild cannot make the package
 */
export async function buildContainerPackage(context: Context, request: PrepareRequest): Promise<void> {
  const { container, slot } = request;
  const target = builtPackage(context, container);
  const staging = container.staging(slot);
  const plan = await prepareDeployment(context, { ...request, destination: container.preinstalled });
  try {
    const made = join(staging, packageFileOf(container.name));
    if (plan.package !== undefined)
      await makePackage(context, { plan: plan.package, pieces: piecesOf(container, staging), target: made });
    await moveTo(made, target);
  } finally {
    await removeTree(shieldedFrom(context), staging);
  }
  note(context, `Generated rpm ${target}`);
}

function piecesOf({ name, preinstalled }: Container, staging: string): readonly Piece[] {
  const deployed = ['rootfs', 'config.json', 'info'].map((entry) => join(staging, entry));
  const [unit, tmpfiles] = [unitCopy(staging, name), tmpfilesCopy(staging, name)];
  const pieces = [
    ...[...deployed, unit, tmpfiles].map((from) => ({ from, to: from.replace(staging, preinstalled) })),
    { from: unit, to: `/usr/lib/systemd/system/${name}.service` },
    { from: tmpfiles, to: `/usr/lib/tmpfiles.d/${name}.conf` },
    { from: hostFilesMirror(staging), to: '/' },
  ];
  return pieces.filter(({ from }) => exists(from));
}

/** Never through a link, which somebody else may have put into the current directory. */
async function moveTo(made: string, target: string): Promise<void> {
  await removeTemporary(target);
  await copyFile(made, temporaryNameFor(target), constants.COPYFILE_EXCL);
  await rename(temporaryNameFor(target), target);
}
