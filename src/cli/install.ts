/** Options of `atomic install`. */
import { type CommandUnknownOpts, Option } from 'commander';
import { AtomicError } from '../errors.ts';
import { type Cli, collect, DOCKER_OPTIONS, perform } from './cli.ts';
import { IMAGE_HELP, requireOstree } from './storage.ts';

const SYSTEM_PACKAGE_MODES = ['auto', 'build', 'no', 'yes'] as const;
type SystemPackageMode = (typeof SYSTEM_PACKAGE_MODES)[number];

interface Options {
  readonly system?: true;
  readonly user?: true;
  readonly name?: string;
  readonly storage?: string;
  readonly set: readonly string[];
  readonly rootfs?: string;
  readonly runtime?: string;
  readonly systemPackage: string;
  readonly display?: true;
}

/** `atomic install`: an image becomes a system container. */
export function addInstall(parent: CommandUnknownOpts, cli: Cli): void {
  const command = parent
    .command('install')
    .description('install a container from an image')
    .argument('<image>', IMAGE_HELP)
    .argument('[args...]', 'for docker only; ignored')
    .addOption(new Option('--system', 'install a system container').conflicts('user'))
    .addOption(new Option('--user', 'install a container of the calling user').conflicts('system'))
    .option('-n, --name <NAME>', 'name of the container (default: from the name of the image)')
    .option('--storage <STORAGE>', 'where images are kept: ostree')
    .option('--set <VAR=VALUE>', 'value for a variable of the templates (repeatable)', collect, [])
    .option('--rootfs <PATH>', 'use the root file system of another container, or an unpacked one')
    .option('--runtime <PATH>', 'OCI runtime')
    .option('--system-package <MODE>', 'how to install host files: auto, build, no, yes', 'auto')
    .option('--display', 'show what would be done');
  for (const flags of DOCKER_OPTIONS) command.addOption(new Option(flags).hideHelp());
  command.action((image, _args, options: Options, self) =>
    perform(cli, self, async (context) => {
      requireCompatible(image, options, context.user.isRoot);
      const { installContainer } = await import('../containers/install.ts');
      return await installContainer(context, {
        image,
        set: options.set,
        systemPackage: requireSystemPackageMode(options),
        isDryRun: options.display === true,
        stdinIsTty: cli.stdinIsTty,
        // compat: some scripts have a blank before it
        ...(options.name?.trim() ? { name: options.name.trim() } : {}),
        ...(options.rootfs === undefined ? {} : { rootfs: options.rootfs }),
        ...(options.runtime === undefined ? {} : { runtime: options.runtime }),
      });
    }),
  );
}

/** compat: the checks that need no image, in the order of the Python tool. */
function requireCompatible(image: string, options: Options, isRoot: boolean): void {
  const { system, user, storage, set } = options;
  if ((system || user) && storage !== undefined && storage !== 'ostree')
    throw new AtomicError("The --system and --user options are only available for the 'ostree' storage.");
  requireOstree(storage, `docker run ${image}`);
  if (set.length > 0 && !system && !user)
    throw new AtomicError('--set is valid only when used with --system or --user');
  if (user && isRoot) throw new AtomicError('--user does not work for privileged user');
  if (system && !isRoot) throw new AtomicError('Only root can use --system');
  if (requireSystemPackageMode(options) === 'build' && !system)
    throw new AtomicError('Only --system can generate rpms');
}

function requireSystemPackageMode({ systemPackage }: Options): SystemPackageMode {
  const known = SYSTEM_PACKAGE_MODES.find((mode) => mode === systemPackage);
  if (known !== undefined) return known;
  const accepted = SYSTEM_PACKAGE_MODES.map((mode) => `'${mode}'`).join(', ');
  throw new AtomicError(`Invalid --system-package mode.  Accepted values: ${accepted}`);
}
