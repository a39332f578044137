/** Chooses the manifest for this machine from a multi-platform image. */
import { AtomicError } from '../../errors.ts';
import type { Manifest } from '../store/manifest.ts';

/** Node's names of architectures in Go's spelling, which images use (GOARCH). */
const ARCHITECTURES: Readonly<Record<string, string>> = {
  x64: 'amd64',
  ia32: '386',
  arm64: 'arm64',
  arm: 'arm',
  ppc64: 'ppc64le',
  s390x: 's390x',
  riscv64: 'riscv64',
  loong64: 'loong64',
};

/** The architecture of this machine as images spell it. */
export const HOST_ARCHITECTURE = ARCHITECTURES[process.arch] ?? process.arch;

/**
 * The generations of an architecture that every machine we run on has, the best first; '' stands for none named. For
 * arm that is v7: what Linux with hardware floating point needs.
 */
const VARIANTS: Readonly<Record<string, readonly string[]>> = {
  amd64: ['', 'v1'],
  arm: ['v7', 'v6', 'v5', ''],
  arm64: ['v8', ''],
};

/**
 * The digest of the manifest for Linux on `architecture` in a manifest list.
 *
 * @throws AtomicError when there is none, with those that there are
 */
export function choosePlatform(list: Manifest, name: string, architecture = HOST_ARCHITECTURE): string {
  const candidates = (list.manifests ?? []).filter(({ platform }) => platform?.os === 'linux');
  const fitting = candidates.filter(({ platform }) => platform?.architecture === architecture);
  const preferred = (VARIANTS[architecture] ?? [''])
    .map((variant) => fitting.find(({ platform }) => (platform?.variant ?? '') === variant))
    .find(Boolean);
  const chosen = preferred ?? fitting[0];
  if (chosen !== undefined) return chosen.digest;
  const available = candidates.map(({ platform }) => `${platform?.os}/${platform?.architecture}`).join(', ');
  throw new AtomicError(
    `cannot pull ${name}: it has no manifest for linux/${architecture}, only: ${available || 'none'}`,
  );
}

/**
 * Refuses an image for another architecture; one that does not say is taken.
 *
 * @throws AtomicError
 */
export function requireArchitecture(
  found: string | undefined,
  name: string,
  architecture = HOST_ARCHITECTURE,
): void {
  if (!found || found === architecture) return;
  throw new AtomicError(`cannot pull ${name}: it is for ${found}, this machine is ${architecture}`);
}
