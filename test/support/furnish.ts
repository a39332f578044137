/** What the root file system of a box has that this machine's has not, and the other way round. */
import { mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { dropInFor } from './registries-conf.ts';

const MASKED = [
  'postgresql.service',
  'docker-registry.service',
  'docker.service',
  'docker.socket',
  'containerd.service',
  'apt-daily.timer',
  'apt-daily-upgrade.timer',
  'man-db.timer',
  'e2scrub_all.timer',
  'systemd-networkd.service',
  'systemd-resolved.service',
];

/** What the etcd packages bring to start it: the tests need the programs, and the name for a container. */
const ABSENT = [
  'usr/lib/systemd/system/etcd.service',
  'etc/systemd/system/multi-user.target.wants/etcd.service',
  'etc/systemd/system/etcd2.service',
  'etc/init.d/etcd',
];

/** What systemd runs at each daemon-reload, of which there are hundreds in the tests: a third of the time that it takes. */
const GENERATORS = 'usr/lib/systemd/system-generators';

/**
 * Makes this machine's root the root of a box: masks what must not start there, and puts the program in its place.
 *
 * @param project the directory of the program under test
 * @param registry `host:port` of the registry that stands in for all others
 * @param bin the directory of the program
 */
export async function furnish(
  root: string,
  project: string,
  { registry, bin = 'usr/local/bin' }: { registry?: string | undefined; bin?: string },
): Promise<void> {
  const units = join(root, 'etc/systemd/system');
  for (const unit of MASKED) {
    await rm(join(units, unit), { force: true });
    await symlink('/dev/null', join(units, unit));
  }
  const generators = join(root, 'etc/systemd/system-generators');
  await mkdir(generators, { recursive: true });
  for (const name of await readdir(join(root, GENERATORS))) {
    await rm(join(generators, name), { force: true });
    await symlink('/dev/null', join(generators, name));
  }
  for (const path of ABSENT) await rm(join(root, path), { force: true });
  await mkdir(join(root, 'var/lib/containers'), { recursive: true });
  await rm(join(root, bin, 'atomic'), { force: true });
  await symlink(join(project, 'bin/atomic'), join(root, bin, 'atomic'));
  if (registry === undefined) return;
  const folder = join(root, 'etc/containers/registries.conf.d');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'atomic-box.conf'), dropInFor(registry));
}
