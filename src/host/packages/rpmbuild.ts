/** rpmbuild(8): makes a package of files and a spec file, without any rights on the host. */
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { exists } from '../files/files.ts';
import type { Host } from '../host.ts';

const RPMBUILD = '/usr/bin/rpmbuild';

/** The files of a package, which are below `root`, and its spec file; {@link buildPackage} takes the directory over. */
export const buildPlaces = (directory: string) => ({
  root: join(directory, 'root'),
  spec: join(directory, 'package.spec'),
});

/** Where {@link buildPackage} leaves the package: in the directory `folder`, the file `file`. */
export const RESULT = { folder: 'out', file: 'package.rpm' };

/** Whether packages can be made on this host. */
export const canBuildPackages = () => exists(RPMBUILD);

/** systemd's docs/UIDS-GIDS.md: from 0x70000000 on, nobody gives away ids. */
const FIRST_UNUSED = 0x7000_0000;
const LAST_UNUSED = 0x7fff_ffff;

/**
 * Runs rpmbuild on a directory laid out as {@link buildPlaces} says. A spec file is a program: it is run by a user id
 * that nobody has, without capabilities and ways to get some, without network and without seeing other processes.
 * The directory, which that user has to reach, is that user's afterwards.
 *
 * @throws ToolError when the spec file or the files are not what rpmbuild can use
 */
export async function buildPackage(host: Host, directory: string): Promise<void> {
  const id = String(randomInt(FIRST_UNUSED, LAST_UNUSED));
  const run = async (tool: string, ...args: readonly string[]) => await host.processes.run({ tool, args });
  await run('chown', '-hR', `${id}:${id}`, '--', directory);
  await run('chmod', '-R', 'u+rwX', '--', directory);
  await host.processes.run({
    tool: 'unshare',
    args: [...NAMESPACES, 'setpriv', ...privileges(id), RPMBUILD, ...optionsOf(directory)],
    cwd: directory,
    env: { LC_ALL: 'C', HOME: directory },
  });
}

const NAMESPACES = ['--net', '--ipc', '--pid', '--fork', '--kill-child', '--'];

const privileges = (id: string) => [
  `--reuid=${id}`,
  `--regid=${id}`,
  '--clear-groups',
  '--no-new-privs',
  '--inh-caps=-all',
  '--bounding-set=-all',
  '--',
];

/** The files are there already, and stay as they are: nothing is removed, compressed, stripped or looked into. */
function optionsOf(directory: string): readonly string[] {
  const { root, spec } = buildPlaces(directory);
  const macros = {
    _topdir: directory,
    _tmppath: directory,
    _sourcedir: root,
    _rpmdir: join(directory, RESULT.folder),
    _build_name_fmt: RESULT.file,
    _binary_payload: 'w6.gzdio',
    _binaries_in_noarch_packages_terminate_build: '0',
    _build_id_links: 'none',
    debug_package: '%{nil}',
    __os_install_post: '%{nil}',
    __spec_install_pre: '%{___build_pre}',
  };
  const defines = Object.entries(macros).flatMap(([name, value]) => ['--define', `${name} ${value}`]);
  return ['-bb', '--quiet', '--noclean', '--buildroot', root, ...defines, spec];
}
