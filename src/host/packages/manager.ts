/** Installs and removes packages with what the host has for it: dnf(8), yum(8), or rpm(8) alone. */
import { ToolError } from '../../errors.ts';
import { exists } from '../files/files.ts';
import type { Host } from '../host.ts';
import {
  dependantsOfPackage,
  environmentOf,
  erasePackage,
  installedHeaders,
  replacePackage,
  testPackage,
} from './rpm.ts';

/** A package file, and what {@link inspectPackage} says of it. */
export interface PackageFile {
  readonly file: string;
  readonly name: string;
  readonly header: string;
}

/** Programs that look for what a package requires, the better one first. */
const MANAGERS = ['/usr/bin/dnf', '/usr/bin/yum'];

/** The words of the call that installs a package, as they are shown and as they are run. */
export function installArgv(file: string): readonly string[] {
  const manager = managerName();
  return manager === undefined ? ['rpm', '-U', file] : [manager, 'install', '-C', '-y', file];
}

/** What removes packages: the manager of the host, with what was installed for them alone, or rpm, which needs nothing. */
export type Remover = 'manager' | 'rpm';

/** The words of the call that removes a package. */
export function removeArgv(name: string, remover: Remover): readonly string[] {
  const manager = remover === 'rpm' ? undefined : managerName();
  return manager === undefined ? ['rpm', '-e', name] : [manager, 'remove', '-y', name];
}

function managerName(): string | undefined {
  return MANAGERS.find(exists)?.replace('/usr/bin/', '');
}

/**
 * Makes sure, without changing anything, that a package can be installed.
 *
 * @throws ToolError of rpm, which names what is missing or in the way
 */
export async function requireInstallable(host: Host, file: string): Promise<void> {
  try {
    await testPackage(host, file);
  } catch (error) {
    if (!(error instanceof ToolError) || !(await canResolve(host, file))) throw error;
  }
}

/** Whether the manager finds what a package requires. */
async function canResolve(host: Host, file: string): Promise<boolean> {
  const manager = managerName();
  if (manager === undefined) return false;
  const args = ['install', '-C', '-y', '--setopt=tsflags=test', file];
  return await succeeds(host.processes.run({ tool: manager, args, env: environmentOf(host) }));
}

/**
 * Installs a package, with what it requires, as far as that is in the manager's cache. It takes the place of any other
 * of its name, be that newer.
 *
 * @param lock a descriptor that the programs keep open until they end
 * @throws ToolError when it cannot be installed
 */
export async function installPackage(
  host: Host,
  { file, name, header }: PackageFile,
  lock: number,
): Promise<void> {
  const [tool = '', ...args] = installArgv(file);
  if (managerName() !== undefined) {
    await succeeds(host.processes.run({ tool, args, env: environmentOf(host), descriptors: [lock] }));
    // without a cache for each of its repositories it does nothing, and for what has the same version it need not
    const installed = await installedHeaders(host, name);
    if (installed.length === 1 && installed[0] === header) return;
  }
  await replacePackage(host, file, { lock });
}

/**
 * Removes a package; fine when there is none of that name.
 *
 * @param lock as for {@link installPackage}
 * @throws ToolError when it cannot be removed, such as when another one requires it
 */
export async function removePackage(
  host: Host,
  name: string,
  { lock, remover }: { lock: number; remover: Remover },
): Promise<void> {
  const [tool = '', ...args] = removeArgv(name, remover);
  // a manager would remove with it what requires it, and rpm says what that is
  if (tool !== 'rpm' && (await dependantsOfPackage(host, name)).length === 0)
    await succeeds(host.processes.run({ tool, args, env: environmentOf(host), descriptors: [lock] }));
  if ((await installedHeaders(host, name)).length > 0) await erasePackage(host, name, { lock });
}

async function succeeds(running: Promise<unknown>): Promise<boolean> {
  try {
    await running;
    return true;
  } catch (error) {
    if (error instanceof ToolError) return false;
    throw error;
  }
}
