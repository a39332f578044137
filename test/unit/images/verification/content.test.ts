import { chmod, mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseFindings } from '../../../../src/host/ostree/fsck.ts';
import { resolveRef } from '../../../../src/host/ostree/refs.ts';
import { readCommit, readFolder } from '../../../../src/host/ostree/repository.ts';
import { verifyContent } from '../../../../src/images/verification/content.ts';
import { contextFor } from '../../support/context.ts';
import { useDirectory } from '../../support/directory.ts';

const base = useDirectory();

describe.each(['bare', 'bare-user'])('verifyContent in a repository of mode %s', (mode) => {
  let repository = '';
  const verify = async () =>
    Object.fromEntries(
      await verifyContent(contextFor({ checkouts: join(base, mode) }), ['one', 'two', 'gone']),
    );

  beforeAll(async () => {
    repository = contextFor({ checkouts: join(base, mode) }).paths.repository;
    await mkdir(repository, { recursive: true });
    await execa('ostree', [`--repo=${repository}`, 'init', `--mode=${mode}`]);
    const tree = join(base, `${mode}-tree`);
    await mkdir(join(tree, 'etc'), { recursive: true });
    await writeFile(join(tree, 'etc/a'), 'the same');
    await writeFile(join(tree, 'etc/b'), 'the same');
    await writeFile(join(tree, 'etc/c'), 'something else');
    await symlink('etc/a', join(tree, 'link'));
    for (const branch of ['one', 'two']) {
      await execa('ostree', [`--repo=${repository}`, 'commit', `--branch=${branch}`, `--tree=dir=${tree}`]);
      await writeFile(join(tree, 'etc/only-in-two'), '');
    }
  });

  it('finds nothing wrong with what is whole', async () => {
    expect(await verify()).toEqual({ one: [], two: [], gone: ['all of it: missing'] });
  });

  it('names every path of a damaged file, and leaves nothing behind', async () => {
    const { tree } = readCommit(repository, resolveRef(repository, 'one') ?? '');
    const etc = readFolder(repository, tree).folders.get('etc')?.tree ?? '';
    const checksum = readFolder(repository, etc).files.get('a') ?? '';
    const file = join(repository, 'objects', checksum.slice(0, 2), `${checksum.slice(2)}.file`);
    await chmod(file, 0o644);
    await writeFile(file, 'tHe sAme');
    const damages = ['/etc/a: damaged', '/etc/b: damaged'];

    expect(await verify()).toMatchObject({ one: damages, two: damages });
    expect((await readdir(join(repository, 'tmp'))).filter((name) => name.includes('verify'))).toEqual([]);
    await rm(file);
    expect(await verify()).toMatchObject({ one: ['/etc/a: missing', '/etc/b: missing'] });
  });
});

describe('parseFindings', () => {
  it('reads the checksums of files only', () => {
    const [file, folder, lost] = ['a'.repeat(64), 'b'.repeat(64), 'c'.repeat(64)];
    const stderr = `In commits ${folder}: fsck content object ${file}: Corrupted file object; checksum expected='${file}'
In commits ${folder}: fsck ${folder}.dirmeta: Corrupted dirmeta object
Object missing in commits ${folder}: ${lost}.file
Object missing in commits ${folder}: ${lost}.dirtree
Marking commit as partial: ${folder}
error: Repository corruption encountered\n`;

    expect([...parseFindings(stderr)]).toEqual([
      [file, 'damaged'],
      [lost, 'missing'],
    ]);
  });
});
