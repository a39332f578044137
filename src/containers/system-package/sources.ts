/** Finds what an image has for its package, and decides whether there is to be one. */
import { stat } from 'node:fs/promises';
import type { Context } from '../../context.ts';
import { AtomicError } from '../../errors.ts';
import { exists } from '../../host/files/files.ts';
import { pathInside } from '../../host/files/path-inside.ts';
import { isRpmHost } from '../../host/packages/rpm.ts';
import { canBuildPackages } from '../../host/packages/rpmbuild.ts';
import { readInside } from '../rendering/exports.ts';
import type { Template } from '../rendering/template.ts';

/**
 * `yes`: host files come in a package. `no`: they are copied. `absent`: there are none, as for ordinary users. `build`:
 * they are a part of a package of the whole container.
 */
export type SystemPackage = 'yes' | 'no' | 'absent' | 'build';

/** What `/exports` has besides host files. */
export interface PackageSources {
  /** `rpm.spec.template`; in `rpm.spec`, nothing is filled in. */
  readonly template: Template | undefined;
  readonly spec: string | undefined;
  /** `container.rpm`, a package that is ready. */
  readonly ready: string | undefined;
  readonly hasHostFiles: boolean;
}

/** Looks into the exports of an unpacked image. */
export async function findPackageSources(rootfs: string): Promise<PackageSources> {
  const template = await readInside(rootfs, 'exports/rpm.spec.template');
  const ready = await pathInside(rootfs, 'exports/container.rpm');
  return {
    // compat: without its directory in messages
    template: template === undefined ? undefined : { file: 'rpm.spec.template', text: template },
    spec: await readInside(rootfs, 'exports/rpm.spec'),
    ready: ready !== undefined && (await stat(ready)).isFile() ? ready : undefined,
    hasHostFiles: (await pathInside(rootfs, 'exports/hostfs')) !== undefined,
  };
}

/** Present on hosts whose /usr is a commit of OSTree's: packages cannot be installed there. */
const OSTREE_BOOTED = '/run/ostree-booted';

/**
 * Decides how the host files of an image get to this host.
 *
 * @param wanted what the person says, or has said before
 * @throws AtomicError when a package is wanted, and the host takes none, or none can be made
 */
export async function decideSystemPackage(
  context: Context,
  { name, wanted }: { name: string; wanted: SystemPackage | 'auto' },
  sources: PackageSources,
): Promise<SystemPackage> {
  if (wanted === 'auto') return await resolveAuto(context, sources);
  const { template, spec, ready, hasHostFiles } = sources;
  const hasAny = template !== undefined || spec !== undefined || ready !== undefined || hasHostFiles;
  if (wanted === 'yes' && hasAny) requirePackageTools(name, sources);
  if (wanted === 'build') requireRpmbuild(name, sources);
  return wanted;
}

/** What `auto` is on this host, for an image. */
async function resolveAuto(
  context: Context,
  { template, spec, hasHostFiles }: PackageSources,
): Promise<'yes' | 'no'> {
  if (template === undefined && spec === undefined && !hasHostFiles) return 'no';
  const reason = await whyNoPackages(context);
  if (reason === undefined) return 'yes';
  context.log.debug({ reason }, 'host files are copied, and do not come in a package');
  return 'no';
}

async function whyNoPackages(context: Context): Promise<string | undefined> {
  if (exists(OSTREE_BOOTED)) return 'this is an OSTree host';
  if (!canBuildPackages()) return 'rpmbuild is not installed';
  return (await isRpmHost(context)) ? undefined : 'the software of this host does not come in RPM packages';
}

/** The host takes packages, and, unless the image's is ready, one can be made. */
function requirePackageTools(name: string, { ready }: Pick<PackageSources, 'ready'>): void {
  if (exists(OSTREE_BOOTED))
    throw new AtomicError("This doesn't work on Atomic Host yet", {
      hint: 'install with --system-package=no',
    });
  requireRpmbuild(name, { ready });
}

function requireRpmbuild(name: string, { ready }: Pick<PackageSources, 'ready'>): void {
  if (ready !== undefined || canBuildPackages()) return;
  throw new AtomicError(`cannot make the package of '${name}': rpmbuild is not installed`, {
    hint: 'install the package rpm-build, or rpm on Debian, or install with --system-package=no',
  });
}
