/** Opens directories of the host; follows no links except those of the operating system's layout. */
import { dirname } from 'node:path';
import type { Context } from '../../context.ts';
import { Directory } from '../../host/files/directory.ts';
import { openBelow } from '../../host/files/open-below.ts';

/** Links that belong to the layout of the operating system: merged /usr, and the state directories of OSTree hosts. */
const SYSTEM_LINKS = new Set(
  ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32', 'home', 'opt', 'srv', 'mnt', 'media', 'root', 'tmp']
    .map((name) => `/${name}`)
    .concat('/usr/local', '/usr/sbin', '/var/run', '/var/lock'),
);

/** Opens the root directory of the host. */
export function openHost({ paths }: Pick<Context, 'paths'>): Directory {
  return Directory.open(paths.root, { shownAs: '/' });
}

/**
 * Opens a directory of the host.
 *
 * @returns `undefined` when there is none
 * @throws Obstacle when a link, or something else, is in its way
 */
export function openOnHost(host: Directory, path: string): Directory | undefined {
  return openBelow(host, path, (link) => SYSTEM_LINKS.has(link));
}

/** Opens the directory of the host that holds, or will hold, `path`: the nearest one that exists. */
export function openNearest(host: Directory, path: string): Directory {
  return openOnHost(host, path) ?? openNearest(host, dirname(path));
}

/** `/a/b/c` is in `/a` and `/a/b`; the outermost comes first. */
export function parentsOf(path: string): readonly string[] {
  const parent = dirname(path);
  return parent === '/' ? [] : [...parentsOf(parent), parent];
}

/** Paths by the directory that holds them, in order. */
export function byDirectory<Item>(
  items: Iterable<Item>,
  pathOf: (item: Item) => string,
): ReadonlyMap<string, readonly Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const directory = dirname(pathOf(item));
    const group = groups.get(directory);
    if (group === undefined) groups.set(directory, [item]);
    else group.push(item);
  }
  return groups;
}
