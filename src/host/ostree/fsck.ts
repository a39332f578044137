/** Checks files of a repository against their checksums, without writing to the repository. */
import { copyFileSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AtomicError } from '../../errors.ts';
import type { Host } from '../host.ts';

/** `ostree fsck` found something. */
const FOUND = 1;

/**
 * Checks the files of commits. `ostree fsck` writes down which commits are not whole: it gets a repository of its own
 * for that, which has the objects by a link, and in which all other commits are said not to be whole, so that it skips
 * them.
 *
 * @param commits their checksums; the metadata objects that lead from them to the files have to be undamaged
 * @returns the checksums of the files that are not what they should be
 * @throws AtomicError when the objects cannot be read
 */
export async function checkFiles(
  host: Host,
  repository: string,
  commits: ReadonlySet<string>,
): Promise<ReadonlyMap<string, 'missing' | 'damaged'>> {
  if (commits.size === 0) return new Map();
  const view = await mkdtemp(join(tmpdir(), 'atomic-verify-'));
  try {
    fillView(view, repository, commits);
    const { exitCode, stderr } = await host.processes.run({
      tool: 'ostree',
      args: ['fsck', `--repo=${view}`, '--all', '--quiet'],
      env: { LC_ALL: 'C' },
      expected: [FOUND],
    });
    const found = parseFindings(stderr);
    if (exitCode === FOUND && found.size === 0)
      throw new AtomicError(`cannot check the objects of ${repository}: ${stderr.trim()}`);
    return found;
  } finally {
    await rm(view, { recursive: true });
  }
}

function fillView(view: string, repository: string, commits: ReadonlySet<string>): void {
  for (const directory of ['refs/heads', 'refs/remotes', 'state', 'tmp'])
    mkdirSync(join(view, directory), { recursive: true });
  copyFileSync(join(repository, 'config'), join(view, 'config'));
  const objects = join(repository, 'objects');
  symlinkSync(objects, join(view, 'objects'));
  for (const commit of commitsIn(objects))
    if (!commits.has(commit)) writeFileSync(join(view, 'state', `${commit}.commitpartial`), '');
}

function commitsIn(objects: string): readonly string[] {
  const names = readdirSync(objects).flatMap((prefix) =>
    readdirSync(join(objects, prefix)).map((name) => `${prefix}${name}`),
  );
  return names.flatMap((name) => (name.endsWith('.commit') ? [name.slice(0, -'.commit'.length)] : []));
}

/** The checksums of the files that `ostree fsck` complains of. */
export function parseFindings(stderr: string): ReadonlyMap<string, 'missing' | 'damaged'> {
  const checksums = (pattern: RegExp) => [...stderr.matchAll(pattern)].map(([, checksum = '']) => checksum);
  return new Map([
    ...checksums(/fsck content object ([0-9a-f]{64}):/g).map((checksum) => [checksum, 'damaged'] as const),
    ...checksums(/Object missing in commits [^:]*: ([0-9a-f]{64})\.file/g).map(
      (checksum) => [checksum, 'missing'] as const,
    ),
  ]);
}
