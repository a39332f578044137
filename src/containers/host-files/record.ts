/** The part of `info` that records the host files of a deployment. */
import type { Info } from '../deployments/deployment.ts';

/** One file on the host. */
export interface FileRecord {
  /** SHA-256 of the content in hex; {@link NO_CONTENT} for what has none; empty: never recorded. */
  readonly checksum: string;
  /** The text of a symbolic link. */
  readonly link?: string;
  /** In bytes; of a regular file only. */
  readonly size?: number;
  /** {@link fingerprintOf} what other containers had put there, and which stayed, since they still have it. */
  readonly kept?: string;
  /** By the Python tool, which knew no links: it followed them for its checksum. */
  readonly isFollowed?: true;
}

export type FileRecords = ReadonlyMap<string, FileRecord>;

/** compat: directories, and links to directories or to nothing. */
export const NO_CONTENT = '0';

/** The keys of `info` that this file reads and writes. */
export interface RecordedFiles {
  readonly 'installed-files': readonly string[];
  readonly 'installed-files-checksum': Readonly<Record<string, string>>;
  readonly 'installed-files-links': Readonly<Record<string, string>>;
  readonly 'installed-files-sizes': Readonly<Record<string, number>>;
  readonly 'installed-files-kept': Readonly<Record<string, string>>;
  /** Directories that had to be made on the way to a file; removed again when they are empty. */
  readonly 'created-folders': readonly string[];
}

/** The same keys as somebody else may have written them. */
type InfoOfFiles = Partial<Pick<Info, keyof RecordedFiles>>;

/** What tells one content of a path from another: for a link its text, otherwise the checksum. */
export function fingerprintOf({ checksum, link }: Pick<FileRecord, 'checksum' | 'link'>): string {
  return link === undefined ? checksum : `-> ${link}`;
}

/** The files of a record by path; a file without checksum counts as changed by somebody. */
export function recordsOf(info: InfoOfFiles): FileRecords {
  const checksums = info['installed-files-checksum'] ?? {};
  const links = info['installed-files-links'];
  const named = [...(info['installed-files'] ?? []), ...Object.keys(checksums)];
  // others are damage, and could be looked up in the prototype of the tables
  const paths = new Set(named.filter((path) => path.startsWith('/')));
  const recordOf = (path: string): FileRecord => ({
    checksum: checksums[path] ?? '',
    ...ifSet('link', links?.[path]),
    ...ifSet('size', info['installed-files-sizes']?.[path]),
    ...ifSet('kept', info['installed-files-kept']?.[path]),
    ...(links ? {} : { isFollowed: true }),
  });
  return new Map([...paths].map((path) => [path, recordOf(path)]));
}

function ifSet<Key extends string, Value>(key: Key, value: Value | undefined): { [K in Key]?: Value } {
  return (value === undefined ? {} : { [key]: value }) as { [K in Key]?: Value };
}

/** The inverse of {@link recordsOf}, for records of this program. */
export function recordedFiles(files: FileRecords, created: Iterable<string>): RecordedFiles {
  const entries = [...files].sort(([a], [b]) => (a < b ? -1 : 1));
  const table = <Key extends 'link' | 'size' | 'kept'>(key: Key) =>
    Object.fromEntries(
      entries.flatMap(([path, { [key]: value }]) => (value === undefined ? [] : [[path, value]])),
    ) as Record<string, NonNullable<FileRecord[Key]>>;
  return {
    'installed-files': entries.map(([path]) => path),
    'installed-files-checksum': Object.fromEntries(entries.map(([path, { checksum }]) => [path, checksum])),
    'installed-files-links': table('link'),
    'installed-files-sizes': table('size'),
    'installed-files-kept': table('kept'),
    'created-folders': [...new Set(created)].sort(),
  };
}

/** Whether a record of this program is that of a directory. */
export function isDirectoryRecord({ checksum, link }: FileRecord): boolean {
  return link === undefined && checksum === NO_CONTENT;
}
