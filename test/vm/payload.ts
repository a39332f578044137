/** What the virtual machine gets besides its system: the package under test, the smoke test, and images. */
import { copyFile, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { LAYOUTS } from '../support/build-images.ts';
import { PROJECT } from '../support/project.ts';

/** Each becomes the archive NAME.tar. */
const IMAGES = ['hello-world', 'hello-world-2', 'confined'];

/** Packs it into a tar archive; `make packages` and `make fixtures` come before. */
export async function packPayload(archive: string): Promise<void> {
  const packages = join(PROJECT, 'dist/packages');
  const debian = (await readdir(packages)).find((name) => name.endsWith('.deb'));
  if (debian === undefined) throw new Error(`no Debian package in ${packages}: run make packages`);
  const folder = await mkdtemp(`${archive}.`);
  try {
    await mkdir(folder, { recursive: true });
    await copyFile(join(packages, debian), join(folder, 'atomic.deb'));
    await copyFile(join(PROJECT, 'test/smoke/smoke.sh'), join(folder, 'smoke.sh'));
    for (const image of IMAGES) {
      const target = `oci-archive:${join(folder, image)}.tar`;
      await execa('skopeo', ['copy', '--quiet', `oci:${join(LAYOUTS, image)}`, target]);
    }
    await execa('tar', ['-C', folder, '-cf', archive, '.']);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
