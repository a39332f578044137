/** Builds the command tree, or the part that a command line needs; every call does, so it loads nothing but commander. */
import { type CommandUnknownOpts, Option } from 'commander';
import { rootCommand } from './argparse.ts';
import type { Cli } from './cli.ts';
import { addComplete } from './complete.ts';
import { addContainersDelete } from './containers/delete.ts';
import { addContainersList } from './containers/list.ts';
import { addContainersRecover } from './containers/recover.ts';
import { addRollback } from './containers/rollback.ts';
import { addContainersTrim } from './containers/trim.ts';
import { addContainersUpdate } from './containers/update.ts';
import { addImagesDelete } from './images/delete.ts';
import { addImagesHelp } from './images/help.ts';
import { addImagesInfo } from './images/info.ts';
import { addImagesList } from './images/list.ts';
import type { Placement } from './images/placement.ts';
import { addImagesPrune } from './images/prune.ts';
import { addImagesTag } from './images/tag.ts';
import { addImagesUpdate } from './images/update.ts';
import { addImagesVerify } from './images/verify.ts';
import { addImagesVersion } from './images/version.ts';
import { addInstall } from './install.ts';
import { addMount } from './mount.ts';
import { addPull } from './pull.ts';
import { addRun } from './run.ts';
import { addStop } from './stop.ts';
import { addUninstall } from './uninstall.ts';
import { addUnmount } from './unmount.ts';

/**
 * compat: what the last Python tool prints, whose commands these are. Packages have the version of package.json, which
 * is higher, so that they replace the tool's.
 */
const VERSION = '1.22.1';

/** The heading under which the help shows a command. */
const GROUPS: ReadonlyMap<string, string> = new Map([
  ...['containers', 'install', 'run', 'stop', 'uninstall', 'update', 'rollback'].map(
    (name) => [name, 'Containers:'] as const,
  ),
  ...['images', 'pull'].map((name) => [name, 'Images:'] as const),
  ...['info', 'version', 'verify', 'mount', 'unmount'].map((name) => [name, 'Inspection:'] as const),
]);

const EXAMPLES = `
Examples:
  atomic install --system --name=hello --set=RECEIVER=Jerry docker.io/gscrivano/hello-world
  atomic run hello
  atomic containers update --set=RECEIVER=Ann hello`;

type Add = (program: CommandUnknownOpts, cli: Cli) => unknown;

/** The commands that are added by themselves. */
const COMMANDS: ReadonlyMap<string, Add> = new Map<string, Add>([
  ['containers', addContainers],
  ['images', addImages],
  ['install', addInstall],
  ['mount', addMount],
  ['pull', addPull],
  ['run', addRun],
  ['stop', addStop],
  ['uninstall', addUninstall],
  ['unmount', addUnmount],
  ['rollback', addRollback],
]);

const addOthers: Add = (program, cli) => {
  addShared(program, cli, { isShort: true });
  addComplete(program, cli);
};

/**
 * Which commands a command line can mean: none when it asks for the version, the one that it names. All where others
 * may be shown or meant: in a help, and when there is none of that name.
 */
function commandsFor(argv: readonly string[]): readonly Add[] {
  const all = [...COMMANDS.values(), addOthers];
  if (argv.length === 1 && ['-v', '--version'].includes(argv[0] ?? '')) return [];
  if (argv.some((word) => /^(-[a-z]*h|--h)/.test(word))) return all;
  const verb = argv.find((word) => !word.startsWith('-')) ?? '';
  const add = COMMANDS.get(verb);
  return add === undefined ? all : [add];
}

/**
 * Builds the command line.
 *
 * @param argv what was typed, if the rest need not be there
 */
export function createProgram(cli: Cli, argv: readonly string[] = []): CommandUnknownOpts {
  const program = rootCommand('atomic', (text) => cli.output.write(text))
    .description('Install and manage system containers')
    .version(VERSION, '-v, --version', 'show the version')
    .helpOption('-h, --help', 'show this help')
    .option('--debug', 'show the programs that are run, and where an error comes from')
    .option('-i, --ignore', 'accepted for compatibility; for docker only')
    .option('-y, --assumeyes', 'answer yes to the questions of the delete commands')
    .addOption(new Option('--profile').hideHelp())
    .addHelpText('after', EXAMPLES);
  for (const add of commandsFor(argv)) add(program, cli);
  for (const command of program.commands) command.helpGroup(GROUPS.get(command.name()) ?? 'Others:');
  return program;
}

function addContainers(program: CommandUnknownOpts, cli: Cli): void {
  const group = program
    .command('containers')
    .helpCommand(false)
    .description('list, update and roll back containers');
  addContainersDelete(group, cli);
  addContainersList(group, cli);
  addContainersRecover(group, cli);
  addContainersTrim(group);
  addContainersUpdate(group, cli);
  addRollback(group, cli);
}

function addImages(program: CommandUnknownOpts, cli: Cli): void {
  const group = program.command('images').helpCommand(false).description('list, inspect and delete images');
  addImagesDelete(group, cli);
  addImagesList(group, cli);
  addImagesPrune(group, cli);
  addImagesTag(group, cli);
  addShared(group, cli, { isShort: false });
}

/** The verbs that are both `atomic images VERB` and `atomic VERB`. */
function addShared(parent: CommandUnknownOpts, cli: Cli, placement: Placement): void {
  addImagesHelp(parent, cli, placement);
  addImagesInfo(parent, cli);
  addImagesUpdate(parent, cli, placement);
  addImagesVerify(parent, cli);
  addImagesVersion(parent, cli);
}
