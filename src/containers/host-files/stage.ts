/** Lays out the host files of an image in the deployment, as they will be on the host. */
import { mkdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { isErrno } from '../../errors.ts';
import { type Attributes, Directory } from '../../host/files/directory.ts';
import { openBelow } from '../../host/files/open-below.ts';
import { renderTemplate, type Values } from '../rendering/template.ts';
import type { HostFile } from './read.ts';

/** Where a deployment keeps its host files, laid out as they go to the host. */
export const hostFilesMirror = (deployment: string) => join(deployment, 'hostfs');

/**
 * Lays host files out below `mirror` as they will be on the host: owners, modes and links as in the image, templates
 * filled in. Files are hard links into the checkout; they are copied when they go to the host. Nothing is written, or
 * changed, outside `mirror`, whatever the paths are.
 */
export function stageHostFiles(files: readonly HostFile[], values: Values, mirror: string): void {
  if (files.length === 0) return;
  mkdirSync(mirror);
  using root = Directory.open(mirror);
  for (const file of files) {
    using parent = openOrMake(root, dirname(file.target));
    using sources = Directory.open(file.source.root);
    using from = openBelow(sources, dirname(file.source.path));
    if (from !== undefined) stageFile(file, { parent, from, values });
  }
}

interface Places {
  readonly parent: Directory;
  readonly from: Directory;
  readonly values: Values;
}

function stageFile({ target, source, kind, template }: HostFile, { parent, from, values }: Places): void {
  const [name, old] = [basename(target), basename(source.path)];
  const attributes = attributesOf(from, old);
  if (kind === 'link') parent.symlink(name, from.readLink(old), attributes);
  else if (template !== undefined) parent.createFile(name, renderTemplate(template, values), attributes);
  else if (kind === 'file') linkOrCopy(from, old, parent, name);
  else if (parent.stat(name) === undefined) parent.make(name, attributes)[Symbol.dispose]();
  else {
    using made = parent.open(name);
    made.setAttributes(attributes);
  }
}

/** Owner and permissions of an entry, which has to be there. */
export function attributesOf(directory: Directory, name: string): Attributes {
  const stat = directory.stat(name);
  return stat === undefined
    ? DEFAULTS
    : { mode: Number(stat.mode), uid: Number(stat.uid), gid: Number(stat.gid) };
}

const DEFAULTS: Attributes = {
  mode: 0o755,
  uid: process.geteuid?.() ?? 0,
  gid: process.getegid?.() ?? 0,
};

/** The root file system of another container, or of somebody else, can be on another file system. */
function linkOrCopy(from: Directory, old: string, to: Directory, name: string): void {
  try {
    from.link(old, to, name);
  } catch (error) {
    if (!isErrno(error, 'EXDEV', 'EMLINK')) throw error;
    from.copyFile(old, to, name);
  }
}

function openOrMake(root: Directory, path: string): Directory {
  const found = openBelow(root, path);
  if (found !== undefined) return found;
  using parent = openOrMake(root, dirname(path));
  return parent.make(basename(path), DEFAULTS);
}
