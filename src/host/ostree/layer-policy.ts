/** The policy of SELinux by which ostree(1) labels layers: the host's, but it knows host files by their later places. */
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readIfPresent } from '../files/files.ts';

/** Paths below the first directory get the labels of those below the second (selabel_file(5), "ALIASES"). */
const ALIAS = '/exports/hostfs /';
const ALIASES = 'file_contexts.subs';

/**
 * Makes `folder` a root for `ostree commit --selinux-policy`: what is in `policies` by links, and one alias more.
 *
 * @param policies /etc/selinux, or its like
 */
export async function makeLayerPolicy(folder: string, policies: string): Promise<void> {
  const config = await readFile(join(policies, 'config'), 'utf8');
  const type = /^\s*SELINUXTYPE=(.*?)\s*$/m.exec(config)?.[1] ?? 'targeted';
  const [from, to] = [join(policies, type), join(folder, 'etc/selinux', type)];
  const files = 'contexts/files';
  await mkdir(join(to, files), { recursive: true });
  await writeFile(join(folder, 'etc/selinux/config'), config);
  await linkEntries(from, to, 'contexts');
  await linkEntries(join(from, 'contexts'), join(to, 'contexts'), 'files');
  await linkEntries(join(from, files), join(to, files), ALIASES);
  const aliases = readIfPresent(join(from, files, ALIASES)) ?? '';
  await writeFile(join(to, files, ALIASES), `${aliases.trimEnd()}\n${ALIAS}\n`.trimStart());
}

/** Makes links to all entries of a directory but one. */
async function linkEntries(from: string, to: string, but: string): Promise<void> {
  for (const name of await readdir(from)) if (name !== but) await symlink(join(from, name), join(to, name));
}
