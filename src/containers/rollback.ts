/** `atomic containers rollback`: to the other deployment, and, done again, back. */
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context } from '../context.ts';
import { AtomicError } from '../errors.ts';
import { exists } from '../host/files/files.ts';
import { activePath, type Container, containerOf, slotOf, unitCopy } from './deployments/container.ts';
import { type Deployment, readDeployment } from './deployments/deployment.ts';
import { parseContainerName } from './deployments/name.ts';
import { recordedRuntime } from './deployments/runtime.ts';
import { hostFilesMirror } from './host-files/apply.ts';
import { recordsOf } from './host-files/record.ts';
import { readHostFiles, stageHostFiles } from './host-files/stage.ts';
import { recordedValues } from './rendering/recorded-values.ts';
import { findRunning } from './service/restart-set.ts';
import { switchDeployment } from './transaction/switch-over.ts';
import { withContainer } from './transaction/transaction.ts';

/**
 * Switches a container to its other deployment; unit, tmpfiles and host files become those of that deployment.
 *
 * @throws AtomicError when there is no other deployment, it is damaged, or its service does not start; the container
 *   is then as it was before
 */
export async function rollBackContainer(context: Context, text: string): Promise<void> {
  const container = containerOf(context, parseContainerName(text));
  const { name } = container;
  context.report({ kind: 'note', text: `Attempting to roll back system container: ${name}` });
  requireActive(container);
  await withContainer(context, container, async () => {
    const from = requireActive(container);
    const target = otherDeployment(container, from);
    context.report({
      kind: 'note',
      text: `Rolling back container ${name} to the checkout at ${target.path}`,
    });
    await completeHostFiles(target);
    const runtime = recordedRuntime(context, container, from);
    await switchDeployment(context, container, {
      operation: 'rollback',
      from,
      to: target.path,
      runtime,
      running: await findRunning(context, container, runtime),
      keepsFailed: false,
    });
  });
}

function requireActive(container: Container): string {
  const path = activePath(container);
  if (path !== undefined) return path;
  throw new AtomicError(`System container '${container.name}' is not installed`, {
    hint: "see 'atomic containers list -a'",
  });
}

function otherDeployment({ name, slots }: Container, from: string): Deployment {
  const path = slots[slotOf(from) === 0 ? 1 : 0];
  if (!exists(path))
    throw new AtomicError(`Error: Cannot find a previous deployment to rollback located at ${path}`);
  const target = readDeployment(name, path);
  if (target.info['has-container-service'] && !exists(unitCopy(path, name))) {
    throw new AtomicError(
      `Error: Cannot find systemd service file for previous version. The previous checkout at ${path} may be corrupted.`,
    );
  }
  if (target.info['rpm-installed'])
    throw new AtomicError(
      `cannot roll back '${name}': its package ${target.info['rpm-installed']} is not available in this build`,
    );
  return target;
}

/** Deployments of the Python tool have their host files only as the image has them. */
async function completeHostFiles({ path, info }: Deployment): Promise<void> {
  const mirror = hostFilesMirror(path);
  if (recordsOf(info).size === 0 || exists(mirror)) return;
  const rootfs = join(path, 'rootfs');
  const tables = {
    renames: info['rename-installed-files'] ?? {},
    templates: info['installed-files-template'] ?? [],
  };
  const files = await readHostFiles({ rootfs, shownAs: rootfs }, tables);
  if (files.length === 0)
    throw new AtomicError(`cannot roll back: the files for the host are gone from ${rootfs}`);
  const unfinished = `${mirror}.new`;
  await rm(unfinished, { recursive: true, force: true });
  await stageHostFiles(files, recordedValues(info), unfinished);
  await rename(unfinished, mirror);
}
