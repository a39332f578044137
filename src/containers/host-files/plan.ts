/** Decides which host files will be installed, and checks that they can be, before anything is stopped. */
import { readlink } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { Context } from '../../context.ts';
import { Directory, Obstacle } from '../../host/files/directory.ts';
import { openBelow } from '../../host/files/open-below.ts';
import { pathInside } from '../../host/files/path-inside.ts';
import type { Container } from '../deployments/container.ts';
import type { Deployment } from '../deployments/deployment.ts';
import { decide } from './decide.ts';
import { checksumBehind, findIn } from './found.ts';
import { openHost, openOnHost, parentsOf } from './host-path.ts';
import { cannotPut, noteExists } from './notes.ts';
import { type Owners, ownersBeside } from './owners.ts';
import type { HostFile } from './read.ts';
import {
  type FileRecord,
  type FileRecords,
  NO_CONTENT,
  type RecordedFiles,
  recordedFiles,
  recordsOf,
} from './record.ts';
import { requireSpace } from './space.ts';

export interface PlanRequest {
  readonly container: Container;
  readonly files: readonly HostFile[];
  /** Where the files have been staged. */
  readonly mirror: string;
  /** The deployment whose files are on the host now. */
  readonly current: Deployment | undefined;
}

/**
 * Decides which files are ours to put on the host: those whose path is free, or held by the current deployment's own
 * file as it was installed. A file of the same content that another container has brought is shared with it. Any other
 * file stays, and is reported.
 *
 * @returns what `info` will say
 * @throws AtomicError when a path leads through a symbolic link or a file, or its file system is full or read-only
 */
export async function planHostFiles(context: Context, request: PlanRequest): Promise<RecordedFiles> {
  const files = request.files.filter(({ kind }) => kind !== 'directory');
  if (files.length === 0) return recordedFiles(new Map(), []);
  const plan: Plan = {
    owners: ownersBeside(context, request.container),
    current: request.current === undefined ? new Map() : recordsOf(request.current.info),
    planned: new Map(),
    additions: [],
  };
  using host = openHost(context);
  for (const file of files) await planFile(context, host, { ...request, file, plan });
  requireSpace(host, plan.additions);
  return recordedFiles(plan.planned, createdDirectories(host, plan, request.current));
}

interface Plan {
  readonly owners: Owners;
  readonly current: FileRecords;
  readonly planned: Map<string, FileRecord>;
  /** What has to be written, with its size in bytes. */
  readonly additions: { readonly path: string; readonly size: number }[];
}

interface Planning {
  readonly file: HostFile;
  readonly mirror: string;
  readonly plan: Plan;
}

async function planFile(context: Context, host: Directory, { file, mirror, plan }: Planning): Promise<void> {
  const { target, kind } = file;
  using directory = openFor(host, dirname(target), target);
  const found = directory && findIn(directory, basename(target), context.signal);
  const wanted = await recordFor(context, file, mirror);
  const before = plan.current.get(target);
  const mine = before === undefined ? [] : [before];
  const decision = await decide({ wanted, found, mine, owners: plan.owners.recordsOf(target) });
  if (decision === 'leave') {
    const isOurOwn = before !== undefined && plan.owners.namesOf(target).length === 0;
    if (kind !== 'empty directory' && !isOurOwn) noteExists(context, target, plan.owners);
    return;
  }
  if (decision === 'keep') noteExists(context, target, plan.owners);
  const kept = decision === 'keep' ? { kept: (await found?.fingerprint()) ?? '' } : {};
  plan.planned.set(target, { ...wanted, ...kept });
  if (decision === 'put' || decision === 'replace')
    plan.additions.push({ path: target, size: wanted.size ?? 0 });
}

/** A directory of the host, if there is one, on the way to a file. A link on the way could lead anywhere. */
function openFor(host: Directory, path: string, target: string): Directory | undefined {
  try {
    return openOnHost(host, path);
  } catch (error) {
    throw error instanceof Obstacle ? cannotPut(target, error) : error;
  }
}

/** Those that have to be made, or have been made for files of ours, by us or by containers that have files there, too. */
function createdDirectories(host: Directory, plan: Plan, current: Deployment | undefined): readonly string[] {
  const recorded = new Set(current?.info['created-folders'] ?? []);
  const parents = new Set([...plan.planned.keys()].flatMap(parentsOf));
  return [...parents].filter((path) => {
    if (recorded.has(path) || plan.owners.haveDirectory(path)) return true;
    using directory = openFor(host, path, path);
    return directory === undefined;
  });
}

async function recordFor(
  { signal }: Context,
  { target, kind }: HostFile,
  mirror: string,
): Promise<FileRecord> {
  if (kind === 'empty directory') return { checksum: NO_CONTENT };
  if (kind === 'link') return await recordForLink(target, mirror, signal);
  using root = Directory.open(mirror);
  using directory = openBelow(root, dirname(target));
  const found = directory && findIn(directory, basename(target), signal);
  if (found === undefined) throw cannotPut(target, new Error('it is gone from the deployment'));
  return { checksum: await found.fingerprint(), size: Number(found.stat.size) };
}

/** compat: the Python tool compares what a link leads to, so that has to be in the record as well. */
async function recordForLink(target: string, mirror: string, signal: AbortSignal): Promise<FileRecord> {
  const link = await readlink(join(mirror, target));
  const destination = resolve(dirname(target), link);
  const content = (await pathInside(mirror, destination)) ?? destination;
  return { link, checksum: await checksumBehind(content, signal) };
}
