/** Reads which host files an image brings: their paths on the host, and their contents. */
import { closeSync, readFileSync } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { join, normalize } from 'node:path';
import { AtomicError } from '../../errors.ts';
import { Directory } from '../../host/files/directory.ts';
import { pathInside } from '../../host/files/path-inside.ts';
import type { Template, Values } from '../rendering/template.ts';
import { parentsOf } from './host-path.ts';

/** One entry of hostfs. A directory that holds others is listed for its mode and owner. */
export interface HostFile {
  /** Where it goes on the host, absolute. */
  readonly target: string;
  /** Where it is: in the directory `root`, the entry `path`. */
  readonly source: { readonly root: string; readonly path: string };
  readonly kind: 'file' | 'link' | 'empty directory' | 'directory';
  /** Present when its content is to be filled in. */
  readonly template?: Template;
}

/** What an image's manifest.json says of its host files. */
export interface HostFileTables {
  /** Old to new path; a directory takes along what is in it. */
  readonly renames: Values;
  /** Paths, after renaming, of files whose content is a template. */
  readonly templates: readonly string[];
}

/**
 * Lists the host files of an unpacked image, directories before what they hold. No link is followed.
 *
 * @param shownAs the path of `rootfs` in messages
 * @throws AtomicError for a renamed path that is not absolute, a name that is not UTF-8, two files for one path, or a
 *   path that leads through a file or a link of the image
 */
export async function readHostFiles(
  { rootfs, shownAs }: { rootfs: string; shownAs: string },
  tables: HostFileTables,
): Promise<readonly HostFile[]> {
  const root = await pathInside(rootfs, 'exports/hostfs');
  if (root === undefined || !(await lstat(root)).isDirectory()) return [];
  requirePaths(tables.renames);
  using hostfs = Directory.open(root, { shownAs: join(shownAs, 'exports/hostfs') });
  const files = walk(hostfs, { root, path: '/', target: '/' }, tables);
  requireDistinct(files);
  return files;
}

/**
 * Lists the host files of a deployment as they have been laid out in it, in the same order.
 *
 * @param mirror where they are
 */
export function readMirror(mirror: string): readonly HostFile[] {
  using directory = Directory.open(mirror);
  return walk(directory, { root: mirror, path: '/', target: '/' }, { renames: {}, templates: [] });
}

interface Place {
  readonly root: string;
  readonly path: string;
  readonly target: string;
}

function walk(directory: Directory, place: Place, tables: HostFileTables): readonly HostFile[] {
  const files: HostFile[] = [];
  for (const name of [...directory.names()].sort()) {
    const shownAs = join(directory.path, name);
    if (name.includes('\ufffd'))
      throw new AtomicError(`${shownAs}: the names of host files must be in UTF-8`);
    const path = join(place.path, name);
    const moved = join(place.target, name);
    const target = tables.renames[moved] ?? moved;
    const source = { root: place.root, path };
    const stat = directory.stat(name);
    if (stat?.isSymbolicLink()) files.push({ target, source, kind: 'link' });
    else if (stat?.isFile())
      files.push({ target, source, kind: 'file', ...templateOf(directory, name, target, tables) });
    else if (stat?.isDirectory()) {
      using inner = directory.open(name);
      const content = walk(inner, { root: place.root, path, target }, tables);
      files.push(
        { target, source, kind: content.length === 0 ? 'empty directory' : 'directory' },
        ...content,
      );
    }
  }
  return files;
}

function templateOf(
  directory: Directory,
  name: string,
  target: string,
  { templates }: HostFileTables,
): { template?: Template } {
  if (!templates.includes(target)) return {};
  const fd = directory.openFile(name);
  try {
    return { template: { file: join(directory.path, name), text: readFileSync(fd, 'utf8') } };
  } finally {
    closeSync(fd);
  }
}

function requirePaths(renames: Values): void {
  for (const path of Object.values(renames)) {
    if (path.startsWith('/') && path !== '/' && normalize(path) === path && !path.endsWith('/')) continue;
    throw new AtomicError(`Invalid manifest.json file in image: renameFiles: '${path}' is not a path`, {
      hint: "expected an absolute path without '..'",
    });
  }
}

/** Renaming must not make two files one, nor lead a file through a link or below a file: only directories coincide. */
function requireDistinct(files: readonly HostFile[]): void {
  const leaves = new Map<string, HostFile>();
  for (const file of files) if (!isDirectory(file)) leaves.set(file.target, file);
  for (const file of files) {
    const { target } = file;
    if (leaves.has(target) && leaves.get(target) !== file)
      throw new AtomicError(`Invalid manifest.json file in image: two files of the image go to '${target}'`);
    const above = parentsOf(target).find((parent) => leaves.has(parent));
    if (above === undefined) continue;
    const what = leaves.get(above)?.kind === 'link' ? 'a link' : 'a file';
    throw new AtomicError(
      `Invalid manifest.json file in image: '${target}' is below '${above}', which is ${what} of the image`,
    );
  }
}

/** Whether it is a directory, and not a file or a link. */
export function isDirectory({ kind }: HostFile): boolean {
  return kind === 'directory' || kind === 'empty directory';
}
