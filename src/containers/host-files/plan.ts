/** Which of an image's host files will be put on this host: decided, and proved possible, before anything is stopped. */
import { lstatSync } from 'node:fs';
import { readlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Context } from '../../context.ts';
import { AtomicError } from '../../errors.ts';
import { exists } from '../../host/files/files.ts';
import type { Deployment } from '../deployments/deployment.ts';
import { readDeployments } from '../deployments/inventory.ts';
import type { ContainerName } from '../deployments/name.ts';
import {
  checksumOf,
  compareWithRecord,
  type FileRecord,
  type FileRecords,
  NO_CONTENT,
  type RecordedFiles,
  recordedFiles,
  recordsOf,
} from './record.ts';
import type { HostFile } from './stage.ts';

export interface PlanRequest {
  readonly name: ContainerName;
  readonly files: readonly HostFile[];
  /** Where the files have been staged. */
  readonly mirror: string;
  /** The deployment whose files are on the host now. */
  readonly current: Deployment | undefined;
}

/**
 * Decides which files are ours to put on the host: those whose path is free, or held by the current deployment's own
 * file as it was installed. A file that somebody else has put there, or changed, stays, and is reported.
 *
 * @returns what `info` will say
 * @throws AtomicError when another container has a file of that path, or a path leads through a symbolic link
 */
export async function planHostFiles(context: Context, request: PlanRequest): Promise<RecordedFiles> {
  const files = request.files.filter(({ kind }) => kind !== 'folder');
  if (files.length === 0) return recordedFiles(new Map(), []);
  requireNoConflict(context, request.name, files);
  const current: FileRecords = request.current === undefined ? new Map() : recordsOf(request.current.info);
  const planned = new Map<string, FileRecord>();
  const folders = new Set<string>();
  for (const file of files) {
    requireOwnFolders(file.target);
    if (!isOurs(context, file, current.get(file.target))) continue;
    planned.set(file.target, await recordFor(file, request.mirror));
    for (const folder of missingFolders(file.target)) folders.add(folder);
  }
  const kept = (request.current?.info['created-folders'] ?? []).filter((folder) =>
    [...planned.keys()].some((path) => path.startsWith(`${folder}/`)),
  );
  return recordedFiles(planned, [...new Set([...kept, ...folders])].sort());
}

function requireNoConflict(context: Context, name: ContainerName, files: readonly HostFile[]): void {
  const targets = new Set(files.filter(({ kind }) => kind !== 'empty folder').map(({ target }) => target));
  for (const other of readDeployments(context)) {
    if (other.name === name) continue;
    const path = [...recordsOf(other.info).keys()].find((candidate) => targets.has(candidate));
    if (path === undefined) continue;
    throw new AtomicError(`cannot put ${path} on the host: the container '${other.name}' has put it there`, {
      hint: `uninstall '${other.name}', or choose an image without that file`,
    });
  }
}

/** Links that belong to the layout of the operating system: merged /usr, and the state folders of OSTree hosts. */
const SYSTEM_LINKS = new Set(
  ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32', 'home', 'opt', 'srv', 'mnt', 'media', 'root', 'tmp']
    .map((name) => `/${name}`)
    .concat('/usr/local', '/usr/sbin', '/var/run', '/var/lock'),
);

/** A link on the way could lead anywhere, and need not be the administrator's. */
function requireOwnFolders(target: string): void {
  for (const folder of parentsOf(target)) {
    const entry = lstatSync(folder, { throwIfNoEntry: false });
    if (entry === undefined) return;
    if (entry.isDirectory() || (entry.isSymbolicLink() && SYSTEM_LINKS.has(folder))) continue;
    const what = entry.isSymbolicLink() ? 'a symbolic link' : 'not a folder';
    throw new AtomicError(`cannot put ${target} on the host: ${folder} is ${what}`);
  }
}

function missingFolders(target: string): readonly string[] {
  return parentsOf(target).filter((folder) => !exists(folder));
}

/** `/a/b/c` is in `/a` and `/a/b`. */
function parentsOf(path: string): readonly string[] {
  const folder = dirname(path);
  return folder === '/' ? [] : [...parentsOf(folder), folder];
}

function isOurs(context: Context, { target, kind }: HostFile, record: FileRecord | undefined): boolean {
  if (!exists(target)) return true;
  if (record !== undefined) return compareWithRecord(target, record) === 'same';
  if (kind !== 'empty folder') context.report({ kind: 'note', text: `File ${target} already exists` });
  return false;
}

async function recordFor({ target, kind }: HostFile, mirror: string): Promise<FileRecord> {
  const staged = join(mirror, target);
  if (kind === 'empty folder') return { checksum: NO_CONTENT };
  if (kind === 'file') return { checksum: checksumOf(staged) };
  const link = await readlink(staged);
  const destination = resolve(dirname(target), link);
  const content = [join(mirror, destination), destination].find(exists);
  return { link, checksum: content === undefined ? NO_CONTENT : checksumOf(content) };
}
