/** Makes the host files of an earlier deployment ready to be installed again. */
import { existsSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context } from '../../context.ts';
import { AtomicError } from '../../errors.ts';
import { replaceFile } from '../../host/files/files.ts';
import { removeTree } from '../../host/files/remove-tree.ts';
import type { Container } from '../deployments/container.ts';
import { type Deployment, renderInfo } from '../deployments/deployment.ts';
import { recordedValues } from '../rendering/recorded-values.ts';
import { planHostFiles } from './plan.ts';
import { readHostFiles, readMirror } from './read.ts';
import { recordsOf } from './record.ts';
import { hostFilesMirror, stageHostFiles } from './stage.ts';

/**
 * Plans the host files of a deployment anew: others may have put files in their places since it was active.
 *
 * @param current the deployment whose files are on the host now
 * @returns the deployment, with the record that is in its `info` now
 * @throws AtomicError as `planHostFiles` does, and when the files are gone from the deployment
 */
export async function restoreHostFiles(
  context: Context,
  container: Container,
  { target, current }: { target: Deployment; current: Deployment | undefined },
): Promise<Deployment> {
  const mirror = hostFilesMirror(target.path);
  if (!existsSync(mirror)) {
    if (recordsOf(target.info).size === 0) return target;
    await layOut(context, target, mirror);
  }
  const recorded = await planHostFiles(context, { container, files: readMirror(mirror), mirror, current });
  const info = { ...target.info, ...recorded } as Deployment['info'];
  const text = renderInfo(info);
  if (text !== renderInfo(target.info)) await replaceFile(join(target.path, 'info'), text, 0o600);
  return { ...target, info };
}

/** Deployments of the Python tool have their host files only as the image has them. */
async function layOut(context: Context, { path, info }: Deployment, mirror: string): Promise<void> {
  const rootfs = join(path, 'rootfs');
  const tables = {
    renames: info['rename-installed-files'] ?? {},
    templates: info['installed-files-template'] ?? [],
  };
  const files = await readHostFiles({ rootfs, shownAs: rootfs }, tables);
  if (files.length === 0) throw new AtomicError(`cannot roll back: the host files are gone from ${rootfs}`);
  const unfinished = `${mirror}.new`;
  await removeTree(context, unfinished);
  stageHostFiles(files, recordedValues(info), unfinished);
  await rename(unfinished, mirror);
}
