/** rpm(8): what is in a package, and what the host has installed. */
import { constants, readdirSync } from 'node:fs';
import type { Environment } from '../../config.ts';
import { AtomicError, ToolError, ToolMissingError } from '../../errors.ts';
import type { Host } from '../host.ts';
import type { ToolCall, ToolOutput } from '../process.ts';

/** One path that a package brings. */
export interface PackagedFile {
  readonly path: string;
  readonly kind: 'file' | 'directory' | 'link';
  /** Its permissions, set-id and sticky bits, as chmod(2) takes them. */
  readonly mode: number;
  /** `USER GROUP`, by their names. */
  readonly owner: string;
  /** Whether rpm keeps it when somebody has changed it. */
  readonly isConfig: boolean;
  /** SHA-256 of its content in hex; empty for what is no regular file. */
  readonly digest: string;
  /** The text of a symbolic link. */
  readonly link: string;
}

export interface PackageFacts {
  readonly name: string;
  /** What tells one build of a package from another: see {@link IDENTITY}. */
  readonly header: string;
  /** Whether installing or removing it, or others, runs something of it as root. */
  readonly hasScripts: boolean;
  /** Packages that go when it is installed. */
  readonly obsoletes: readonly string[];
  readonly files: readonly PackagedFile[];
}

/** Where distributions have the database of what is installed; Debian, whose packages are others, has none there. */
export const DATABASES = ['/usr/lib/sysimage/rpm', '/var/lib/rpm'];

/** rpm.h: RPMFILE_CONFIG. */
const CONFIG_FLAG = 1;

/** A name that is one for every program, and no pattern and no option for any. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._+~-]*$/;

/** inode(7): the kind of a file in st_mode. */
const KINDS: ReadonlyMap<number, PackagedFile['kind']> = new Map([
  [constants.S_IFDIR, 'directory'],
  [constants.S_IFLNK, 'link'],
]);

/**
 * SHA-256 of the header; packages of rpm before 4.14 have SHA-1 only, and very old ones neither: when and where they
 * were built, then.
 */
const IDENTITY =
  '%|SHA256HEADER?{%{SHA256HEADER}}:{%|SHA1HEADER?{%{SHA1HEADER}}:{%{NVRA} %{BUILDTIME} %{BUILDHOST}}|}|';

const FILE_LINE = /^(?<mode>[0-7]+) (?<owner>\S+ \S+) (?<flags>\d+) (?<digest>[0-9a-f]*) (?<path>\/.*)$/;

/** Whether the software of the host comes in RPM packages: rpm itself is in one. */
export async function isRpmHost(host: Host): Promise<boolean> {
  if (!DATABASES.some(hasEntries)) return false;
  try {
    return (await ownersOf(host, '/usr/bin/rpm')).length > 0;
  } catch (error) {
    if (error instanceof ToolMissingError || error instanceof ToolError) return false;
    throw error;
  }
}

function hasEntries(directory: string): boolean {
  try {
    return readdirSync(directory).length > 0;
  } catch {
    return false;
  }
}

/** The names of the installed packages that have a path. */
export async function ownersOf(host: Host, path: string): Promise<readonly string[]> {
  const args = ['-qf', '--queryformat', '%{NAME}\\n', '--', path];
  const { exitCode, stdout } = await rpm(host, { args, expected: [1] });
  return exitCode === 0 ? linesOf(stdout) : [];
}

/** The headers of all installed packages of a name: none, one, or, when a change was cut short, several. */
export async function installedHeaders(host: Host, name: string): Promise<readonly string[]> {
  const args = ['-q', '--queryformat', `${IDENTITY}\\n`, '--', name];
  const { exitCode, stdout } = await rpm(host, { args, expected: [1] });
  return exitCode === 0 ? linesOf(stdout) : [];
}

/**
 * Reads what a package file says of itself.
 *
 * @throws AtomicError for a package whose names could be taken for something else; ToolError when it is damaged
 */
export async function inspectPackage(host: Host, file: string): Promise<PackageFacts> {
  const format =
    `%{NAME}\\n${IDENTITY}\\n[%{FILEFLAGS},]\\n` +
    '[%{FILEMODES:octal} %{FILEUSERNAME} %{FILEGROUPNAME} %{FILEFLAGS} %{FILEDIGESTS} %{FILENAMES}\\n]' +
    '[%{FILELINKTOS}\\n]';
  const { stdout } = await query(host, file, '--queryformat', format);
  const [name = '', header = '', counted = '', ...lines] = stdout.split('\n');
  if (!NAME.test(name)) throw new AtomicError(`cannot use the package ${file}: its name is not one`);
  const count = counted.split(',').length - 1;
  const files = lines.slice(0, count).map((line, index) => fileOf(line, lines[count + index] ?? ''));
  if (lines.length !== 2 * count + 1 || !files.every((one) => one !== undefined))
    throw new AtomicError(`cannot use the package ${file}: a file in it has a line break in its name`);
  const scripts = await query(host, file, '--scripts', '--triggers', '--filetriggers');
  return {
    name,
    header,
    hasScripts: scripts.stdout.trim() !== '',
    obsoletes: linesOf((await query(host, file, '--obsoletes')).stdout),
    files,
  };
}

function fileOf(line: string, link: string): PackagedFile | undefined {
  const groups = FILE_LINE.exec(line)?.groups;
  if (groups === undefined) return undefined;
  const { flags, owner = '', digest = '', path = '' } = groups;
  const mode = Number.parseInt(groups.mode ?? '', 8);
  const kind = KINDS.get(mode & constants.S_IFMT) ?? 'file';
  return {
    path,
    kind,
    mode: mode & ~constants.S_IFMT,
    owner,
    isConfig: (Number(flags) & CONFIG_FLAG) !== 0,
    digest,
    link,
  };
}

async function query(host: Host, file: string, ...options: readonly string[]): Promise<ToolOutput> {
  return await rpm(host, { args: ['-qp', '--nosignature', ...options, '--', file] });
}

/** Whatever is installed of that name gives way, be it newer or the same; signed or not, the file is root's. */
const REPLACE = ['-U', '--oldpackage', '--replacepkgs', '--nosignature'];

/**
 * Finds out whether a package could be installed.
 *
 * @throws ToolError when something is missing, or in its way
 */
export async function testPackage(host: Host, file: string): Promise<void> {
  await rpm(host, { args: [...REPLACE, '--test', '--', file] });
}

/** A call, and the lock that is held until the program has ended, though we be killed meanwhile. */
interface Held {
  readonly lock: number;
}

/** Makes a package the only one of its name, whatever is installed of it and however complete. */
export async function replacePackage(host: Host, file: string, { lock }: Held): Promise<void> {
  await rpm(host, { args: [...REPLACE, '--', file], descriptors: [lock] });
}

/** As rpm names an installed package that would lose what it requires. */
const NEEDED_BY = /is needed by \(installed\) (?<dependant>.+)$/;

/** The installed packages that require those of a name: it cannot be removed before them. */
export async function dependantsOfPackage(host: Host, name: string): Promise<readonly string[]> {
  const args = ['-e', '--test', '--allmatches', '--', name];
  const { stderr } = await rpm(host, { args, expected: [1] });
  const found = linesOf(stderr).flatMap((line) => NEEDED_BY.exec(line)?.groups?.dependant ?? []);
  return [...new Set(found)];
}

/**
 * Removes all packages of a name.
 *
 * @throws ToolError when another one requires it
 */
export async function erasePackage(host: Host, name: string, { lock }: Held): Promise<void> {
  await rpm(host, { args: ['-e', '--allmatches', '--', name], descriptors: [lock] });
}

/**
 * What rpm, and what installs with it, needs in its environment. Debian's rpm has its database in the home directory,
 * which not every job of root's is told.
 */
export function environmentOf({ user }: Host): Environment {
  return { LC_ALL: 'C', HOME: user.home };
}

async function rpm(host: Host, call: Omit<ToolCall, 'tool'>): Promise<ToolOutput> {
  return await host.processes.run({ tool: 'rpm', env: environmentOf(host), ...call });
}

function linesOf(text: string): readonly string[] {
  return text.split('\n').filter((line) => line !== '');
}
