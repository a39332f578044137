import { mkdir, readdir, readFile, realpath, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeLayerPolicy } from '../../../../src/host/ostree/layer-policy.ts';
import { useEmptyDirectory } from '../../support/directory.ts';

const base = useEmptyDirectory();

/** A policy as distributions install it, as far as its directories go. */
async function installPolicy(files: Readonly<Record<string, string>>): Promise<string> {
  const policies = join(base, 'selinux');
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(policies, path, '..'), { recursive: true });
    await writeFile(join(policies, path), text);
  }
  return policies;
}

const POLICY = {
  config: '# SELINUXTYPE= is one of\nSELINUX=enforcing\nSELINUXTYPE=strict \n',
  'strict/policy/policy.33': 'binary',
  'strict/contexts/customizable_types': 'a',
  'strict/contexts/files/file_contexts': 'b',
  'strict/contexts/files/file_contexts.subs_dist': '/lib /usr/lib\n',
};
const ALIASES = 'etc/selinux/strict/contexts/files/file_contexts.subs';

it('has all of the policy, by links, and knows host files by their places', async () => {
  const policies = await installPolicy(POLICY);
  const folder = join(base, 'made');
  await makeLayerPolicy(folder, policies);

  for (const [path, text] of Object.entries(POLICY))
    expect(await readFile(join(folder, 'etc/selinux', path), 'utf8'), path).toBe(text);
  expect(await realpath(join(folder, 'etc/selinux/strict/policy'))).toBe(join(policies, 'strict/policy'));
  expect(await readFile(join(folder, ALIASES), 'utf8')).toBe('/exports/hostfs /\n');
  expect(await readdir(join(policies, 'strict/contexts/files'))).not.toContain('file_contexts.subs');
});

it("keeps the administrator's aliases, and leaves their file alone", async () => {
  const path = 'strict/contexts/files/file_contexts.subs';
  const policies = await installPolicy({ ...POLICY, [path]: '/srv/www /var/www' });
  const folder = join(base, 'made');
  await makeLayerPolicy(folder, policies);

  expect(await readFile(join(folder, ALIASES), 'utf8')).toBe('/srv/www /var/www\n/exports/hostfs /\n');
  expect(await readFile(join(policies, path), 'utf8')).toBe('/srv/www /var/www');
});
