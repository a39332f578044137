/** The files that an image brings for the host: what of its `/exports/hostfs` goes where, and with which content. */
import { chmod, chown, link, lstat, mkdir, readdir, readFile, readlink, symlink } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { AtomicError } from '../../errors.ts';
import { createFile } from '../../host/files/files.ts';
import { pathInside } from '../../host/files/path-inside.ts';
import { renderTemplate, type Template, type Values } from '../rendering/template.ts';

/** One entry of hostfs. A folder that holds others is listed for its mode and owner. */
export interface HostFile {
  /** Where it goes on the host, absolute. */
  readonly target: string;
  /** Where it is in the checkout. */
  readonly source: string;
  readonly kind: 'file' | 'link' | 'empty folder' | 'folder';
  /** Present when its content is to be filled in. */
  readonly template?: Template;
}

/** What an image's manifest.json says of its host files. */
export interface HostFileTables {
  /** Old to new path; a folder takes along what is in it. */
  readonly renames: Values;
  /** Paths, after renaming, of files whose content is a template. */
  readonly templates: readonly string[];
}

/**
 * Lists the host files of an unpacked image, folders before what they hold. No link is followed.
 *
 * @param shownAs the path of `rootfs` in messages
 * @throws AtomicError for a renamed path that is not absolute, a name that is not UTF-8, or two files for one path
 */
export async function readHostFiles(
  { rootfs, shownAs }: { rootfs: string; shownAs: string },
  tables: HostFileTables,
): Promise<readonly HostFile[]> {
  const root = await pathInside(rootfs, 'exports/hostfs');
  if (root === undefined || !(await lstat(root)).isDirectory()) return [];
  requirePaths(tables.renames);
  const files = await walk(root, { target: '/', shownAs: join(shownAs, 'exports/hostfs') }, tables);
  requireDistinct(files);
  return files;
}

interface Place {
  readonly target: string;
  readonly shownAs: string;
}

async function walk(folder: string, place: Place, tables: HostFileTables): Promise<HostFile[]> {
  const files: HostFile[] = [];
  for (const entry of (await readdir(folder, { withFileTypes: true })).sort(byName)) {
    if (entry.name.includes('\ufffd'))
      throw new AtomicError(`${join(place.shownAs, entry.name)}: a file for the host needs a name in UTF-8`);
    const path = join(place.target, entry.name);
    const source = join(folder, entry.name);
    const target = tables.renames[path] ?? path;
    const inside = { target, shownAs: join(place.shownAs, entry.name) };
    if (entry.isSymbolicLink()) files.push({ target, source, kind: 'link' });
    else if (entry.isFile()) files.push(await fileEntry(source, inside, tables));
    else if (entry.isDirectory()) {
      const content = await walk(source, inside, tables);
      files.push({ target, source, kind: content.length === 0 ? 'empty folder' : 'folder' }, ...content);
    }
  }
  return files;
}

function byName(a: { name: string }, b: { name: string }): number {
  return a.name < b.name ? -1 : 1;
}

async function fileEntry(
  source: string,
  { target, shownAs }: Place,
  { templates }: HostFileTables,
): Promise<HostFile> {
  if (!templates.includes(target)) return { target, source, kind: 'file' };
  return {
    target,
    source,
    kind: 'file',
    template: { file: shownAs, text: await readFile(source, 'utf8') },
  };
}

function requirePaths(renames: Values): void {
  for (const path of Object.values(renames)) {
    if (path.startsWith('/') && path !== '/' && normalize(path) === path && !path.endsWith('/')) continue;
    throw new AtomicError(`Invalid manifest.json file in image: renameFiles: '${path}' is not a path`, {
      hint: "expected an absolute path without '..'",
    });
  }
}

function requireDistinct(files: readonly HostFile[]): void {
  const seen = new Set<string>();
  for (const { target, kind } of files) {
    if (seen.has(target) && kind !== 'folder')
      throw new AtomicError(`Invalid manifest.json file in image: two files of the image go to '${target}'`);
    seen.add(target);
  }
}

/**
 * Lays host files out below `mirror` as they will be on the host: owners, modes and links as in the image, templates
 * filled in. Files are hard links into the checkout; they are copied when they go to the host.
 */
export async function stageHostFiles(
  files: readonly HostFile[],
  values: Values,
  mirror: string,
): Promise<void> {
  for (const file of files) {
    const path = join(mirror, file.target);
    await mkdir(dirname(path), { recursive: true });
    if (file.kind === 'link') await symlink(await readlink(file.source), path);
    else if (file.template !== undefined)
      await stageTemplate(file.source, path, renderTemplate(file.template, values));
    else if (file.kind === 'file') await link(file.source, path);
    else await stageFolder(file.source, path);
  }
}

async function stageTemplate(source: string, path: string, text: string): Promise<void> {
  const { mode, uid, gid } = await lstat(source);
  await createFile(path, text);
  await chown(path, uid, gid);
  await chmod(path, mode);
}

async function stageFolder(source: string, path: string): Promise<void> {
  const { mode, uid, gid } = await lstat(source);
  await mkdir(path, { recursive: true });
  await chown(path, uid, gid);
  await chmod(path, mode);
}
