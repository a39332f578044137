/** ostree(1): everything that writes to a repository or checks files out of it. */
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { withPath } from '../files/files.ts';
import { syncFileSystem } from '../files/sync-file-system.ts';
import type { Host } from '../host.ts';
import { syncRefs } from './durability.ts';

/** A commit to make. */
export interface CommitRequest {
  readonly ref: string;
  /** Text metadata of the commit. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** Messages in English; and libarchive, which reads the layers, takes names beyond ASCII in a UTF-8 locale only. */
const ENVIRONMENT = { LC_ALL: utf8Locale() };

/** RHEL 7 has no C.UTF-8; a locale that is missing would count as plain C. */
function utf8Locale(): string {
  const hasPlain = ['C.utf8', 'C.UTF-8'].some((name) => existsSync(`/usr/lib/locale/${name}`));
  return hasPlain ? 'C.UTF-8' : 'en_US.UTF-8';
}

async function ostree(
  host: Host,
  repository: string,
  args: readonly string[],
  input?: Readable,
): Promise<string> {
  const call = { tool: 'ostree', args: [`--repo=${repository}`, ...args], ...(input ? { input } : {}) };
  return (await host.processes.run({ ...call, env: ENVIRONMENT })).stdout.trim();
}

/** Makes an empty repository: `bare` for root, `bare-user` for others. Fine when there is one. */
export async function initRepository(host: Host, repository: string): Promise<void> {
  await ostree(host, repository, ['init', `--mode=${host.user.isRoot ? 'bare' : 'bare-user'}`]);
}

/**
 * Commits an uncompressed tar archive; returns the checksum of the commit, which no ref holds.
 *
 * @param policy the root of the policy of SELinux by which files are labelled; absent: they get no labels
 */
export async function commitTar(
  host: Host,
  repository: string,
  tar: Readable,
  policy?: string,
): Promise<string> {
  const source = ['--tree=tar=-', '--tar-autocreate-parents'];
  const labels = policy === undefined ? [] : [`--selinux-policy=${policy}`];
  return await ostree(
    host,
    repository,
    ['commit', '--orphan', ...source, ...ownership(host), ...labels],
    tar,
  );
}

/** Commits a folder. */
export async function commitFolder(
  host: Host,
  repository: string,
  folder: string,
  request: CommitRequest,
): Promise<void> {
  await commitTree(host, repository, [`--tree=dir=${folder}`], request);
}

/** Makes a commit of the same tree as another one, with a ref and metadata of its own. */
export async function commitAgain(
  host: Host,
  repository: string,
  commit: string,
  request: CommitRequest,
): Promise<void> {
  await commitTree(host, repository, [`--tree=ref=${commit}`], request);
}

async function commitTree(
  host: Host,
  repository: string,
  source: readonly string[],
  { ref, metadata }: CommitRequest,
): Promise<void> {
  // a ref's history is of no use here: an image's commits have no parent
  const target = [`--branch=${ref}`, '--parent=none', '--no-bindings'];
  const strings = Object.entries(metadata).map(([key, value]) => `--add-metadata-string=${key}=${value}`);
  await ostree(host, repository, ['commit', ...target, ...ownership(host), ...strings, ...source]);
}

/** An ordinary user can neither own others' files nor set their attributes. */
function ownership({ user }: Host): readonly string[] {
  return user.isRoot ? [] : ['--canonical-permissions', '--no-xattrs'];
}

/** Makes a ref hold a commit, whatever it held before; on disk when it returns. */
export async function writeRef(host: Host, repository: string, ref: string, commit: string): Promise<void> {
  await ostree(host, repository, ['refs', '--force', `--create=${ref}`, '--', commit]);
  await syncRefs(repository, [ref]);
}

/** Deletes refs, for good when it returns; their commits stay until the repository is pruned. */
export async function deleteRefs(host: Host, repository: string, refs: readonly string[]): Promise<void> {
  if (refs.length === 0) return;
  await ostree(host, repository, ['refs', '--delete', '--', ...refs]);
  await syncRefs(repository, refs);
}

/**
 * Removes the objects that no ref reaches, for good when it returns.
 *
 * @returns how many bytes they had, to two digits or so; hard links of checkouts may still hold them
 * @throws ToolError when an object that a ref needs is missing
 */
export async function pruneObjects(host: Host, repository: string): Promise<number> {
  const freed = parseFreed(await ostree(host, repository, ['prune', '--refs-only']));
  await syncFileSystem(host, repository);
  return freed;
}

/** What g_format_size() writes; its blank is one that does not break. */
const FREED = /, ([\d.]+)\s(bytes?|kB|MB|GB|TB) freed/;
const SIZES: Readonly<Record<string, number>> = { kB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 };

/** Parses what `ostree prune` says it freed, in bytes. */
export function parseFreed(output: string): number {
  const [, number = '0', unit = ''] = FREED.exec(output) ?? [];
  return Math.round(Number(number) * (SIZES[unit] ?? 1));
}

/**
 * Checks out refs over one another into a folder, the first at the bottom: later files win, and whiteouts remove
 * what is below them. Files are hard links into the repository, unless they are to be written to.
 *
 * @param listFile where the list of refs may be written; it is read by ostree(1)
 */
export async function checkoutUnion(
  host: Host,
  repository: string,
  {
    refs,
    folder,
    listFile,
    isWritable = false,
  }: { refs: readonly string[]; folder: string; listFile: string; isWritable?: boolean },
): Promise<void> {
  await writeFile(listFile, refs.map((ref) => `${ref}\0/\0`).join('')).catch((error: unknown) => {
    throw withPath(error, listFile);
  });
  const user = host.user.isRoot ? [] : ['--user-mode'];
  const files = isWritable ? '--force-copy' : '--require-hardlinks';
  const mode = ['--union', '--whiteouts', files, '--fsync=no', ...user];
  await ostree(host, repository, ['checkout', ...mode, `--from-file=${listFile}`, folder]);
}

/** Checks a folder of a commit out into `folder`, which must not exist. */
export async function checkoutFolder(
  host: Host,
  repository: string,
  { commit, path, folder }: { commit: string; path: string; folder: string },
): Promise<void> {
  const options = [`--subpath=/${path}`, '--require-hardlinks', '--fsync=no'];
  await ostree(host, repository, ['checkout', ...options, commit, folder]);
}
