/** A box that is a host managed with OSTree, laid out as Fedora CoreOS is, by the real `ostree admin`. */
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';

const OS = 'box';

/** Where the disk has what is /var of the host. */
export const VAR_ON_DISK = `ostree/deploy/${OS}/var`;

/** What such a host has as links. */
const LINKS = {
  ostree: 'sysroot/ostree',
  home: 'var/home',
  mnt: 'var/mnt',
  opt: 'var/opt',
  root: 'var/roothome',
  srv: 'var/srv',
  'usr/local': '../var/usrlocal',
} as const;

/** What they lead to, and what the machine expects to have. */
const DIRECTORIES = ['home', 'mnt', 'opt', 'roothome', 'srv', 'usrlocal/bin', 'lib/containers'];

/** Puts the links into the layer that is above this machine's root. */
export async function linkDirectories(upper: string): Promise<void> {
  await mkdir(join(upper, 'sysroot'));
  for (const [path, target] of Object.entries(LINKS)) {
    await mkdir(dirname(join(upper, path)), { recursive: true });
    await symlink(target, join(upper, path));
  }
}

/**
 * Makes a disk with a repository, a stateroot and a deployment.
 *
 * @returns arguments of systemd-nspawn that mount it, and /usr read-only, in the machine with this root
 */
export async function makeOstreeDisk(disk: string, root: string): Promise<readonly string[]> {
  const sysroot = `--sysroot=${disk}`;
  await execa('ostree', ['admin', 'init-fs', '--modern', disk]);
  await execa('ostree', ['admin', 'os-init', sysroot, OS]);
  const tree = await mkdtemp(join(disk, 'tree-'));
  await mkdir(join(tree, 'usr/etc'), { recursive: true });
  await mkdir(join(tree, 'usr/lib/modules/1'), { recursive: true });
  await writeFile(join(tree, 'usr/lib/modules/1/vmlinuz'), 'a kernel');
  await writeFile(join(tree, 'usr/lib/os-release'), `ID=${OS}\nNAME=${OS}\nPRETTY_NAME=${OS}\n`);
  const commit = ['--branch=host', `--tree=dir=${tree}`, '--consume', '--owner-uid=0', '--owner-gid=0'];
  await execa('ostree', ['commit', `--repo=${disk}/ostree/repo`, ...commit]);
  await rm(tree, { recursive: true, force: true });
  await execa('ostree', ['admin', 'deploy', sysroot, `--os=${OS}`, 'host']);
  // it is not the root of the machine here, and has to be removed
  await execa('chattr', ['-i', await deployedAt(disk)]);
  for (const name of DIRECTORIES) await mkdir(join(disk, VAR_ON_DISK, name), { recursive: true });
  return [
    `--bind=${disk}:/sysroot:norbind`,
    `--bind=${join(disk, VAR_ON_DISK)}:/var`,
    `--bind-ro=${join(root, 'usr')}:/usr`,
  ];
}

/** The directory of the one deployment. */
async function deployedAt(disk: string): Promise<string> {
  const parent = join(disk, `ostree/deploy/${OS}/deploy`);
  const [name = ''] = (await readdir(parent)).filter((entry) => !entry.endsWith('.origin'));
  return join(parent, name);
}
