/** Directories with content, for functions that read them. */
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Makes directories (`null`), files (with their text) and links (`-> target`) below a new one, and returns that. */
export async function folderWith(
  root: string,
  entries: Readonly<Record<string, string | null>>,
): Promise<string> {
  await mkdir(root);
  for (const [path, content] of Object.entries(entries)) {
    const full = join(root, path);
    if (content === null) await mkdir(full, { recursive: true });
    else if (content.startsWith('-> ')) await symlink(content.slice(3).replace('$ROOT', root), full);
    else await writeFile(full, content);
  }
  return root;
}
