/** What a deployment's `info` says of the files it has put on the host, and whether somebody changed them since. */
import { createHash } from 'node:crypto';
import { lstatSync, readFileSync, statSync } from 'node:fs';
import { readLinkIfPresent } from '../../host/files/files.ts';
import type { Info } from '../deployments/deployment.ts';

/** One file on the host. */
export interface FileRecord {
  /** SHA-256 of the content in hex; {@link NO_CONTENT} for what has none; empty: never recorded. */
  readonly checksum: string;
  /** The text of a symbolic link; records of the Python tool lack it. */
  readonly link?: string;
}

export type FileRecords = ReadonlyMap<string, FileRecord>;

/** compat: folders, and links to folders or to nothing. */
export const NO_CONTENT = '0';

/** The keys of `info` that this file reads and writes. */
export interface RecordedFiles {
  readonly 'installed-files': readonly string[];
  readonly 'installed-files-checksum': Readonly<Record<string, string>>;
  readonly 'installed-files-links': Readonly<Record<string, string>>;
  /** Folders that had to be made on the way to a file; removed again when they are empty. */
  readonly 'created-folders': readonly string[];
}

/** The files of a record by path; a file without checksum counts as changed by somebody. */
export function recordsOf(info: Info): FileRecords {
  const checksums = info['installed-files-checksum'] ?? {};
  const links = info['installed-files-links'] ?? {};
  const paths = new Set([...(info['installed-files'] ?? []), ...Object.keys(checksums)]);
  return new Map(
    [...paths].map((path) => {
      const link = links[path];
      return [path, { checksum: checksums[path] ?? '', ...(link === undefined ? {} : { link }) }];
    }),
  );
}

/** The inverse of {@link recordsOf}. */
export function recordedFiles(files: FileRecords, folders: readonly string[]): RecordedFiles {
  const entries = [...files].sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    'installed-files': entries.map(([path]) => path),
    'installed-files-checksum': Object.fromEntries(entries.map(([path, { checksum }]) => [path, checksum])),
    'installed-files-links': Object.fromEntries(
      entries.flatMap(([path, { link }]) => (link === undefined ? [] : [[path, link]])),
    ),
    'created-folders': folders,
  };
}

/** How a path of the host compares with a record. */
export function compareWithRecord(path: string, record: FileRecord): 'absent' | 'same' | 'different' {
  const entry = lstatSync(path, { throwIfNoEntry: false });
  if (entry === undefined) return 'absent';
  if (record.link !== undefined) return readLinkIfPresent(path) === record.link ? 'same' : 'different';
  return checksumOf(path) === record.checksum ? 'same' : 'different';
}

/** SHA-256 of a file's content, links followed; {@link NO_CONTENT} for anything else. */
export function checksumOf(path: string): string {
  const entry = statSync(path, { throwIfNoEntry: false });
  if (!entry?.isFile()) return NO_CONTENT;
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}
