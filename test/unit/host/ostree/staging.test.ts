import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { beforeAll, describe, expect, it } from 'vitest';
import { initRepository } from '../../../../src/host/ostree/program.ts';
import { resolveRef } from '../../../../src/host/ostree/refs.ts';
import { admit, stagingRepository, sweepStaging, unsynced } from '../../../../src/host/ostree/staging.ts';
import { contextFor } from '../../support/context.ts';
import { useDirectory } from '../../support/directory.ts';

const directory = useDirectory();
const context = contextFor({ checkouts: directory });
const { repository } = context.paths;
const tree = join(directory, 'tree');

beforeAll(async () => {
  mkdirSync(repository, { recursive: true });
  await initRepository(context, repository);
  mkdirSync(tree);
  writeFileSync(join(tree, 'file'), 'content');
});

/** What the repository has of each kind, and its refs. */
function names(): string {
  const objects = readdirSync(join(repository, 'objects'), { recursive: true }).map(String);
  const kinds = ['file', 'dirtree', 'dirmeta', 'commit'].map(
    (kind) => `${objects.filter((name) => name.endsWith(`.${kind}`)).length} ${kind}`,
  );
  return [...kinds, ...['a', 'b'].filter((ref) => resolveRef(repository, ref) !== undefined)].join(', ');
}

async function commit(staging: string, ref: string): Promise<void> {
  await execa('ostree', [
    `--repo=${staging}`,
    'commit',
    `--branch=${ref}`,
    `--subject=${ref}`,
    '--no-bindings',
    `--tree=dir=${tree}`,
  ]);
}

describe('admit', () => {
  it('has everything put on disk before it gets a name that others rely on', async () => {
    await using staging = await stagingRepository(context, repository);
    await commit(staging.path, 'a');
    const atFlush: string[] = [];

    await admit(repository, { staging: staging.path, ref: 'a', isWanted: () => true }, () =>
      Promise.resolve(void atFlush.push(names())),
    );

    expect(atFlush).toEqual([
      '0 file, 0 dirtree, 0 dirmeta, 0 commit',
      '1 file, 1 dirtree, 1 dirmeta, 0 commit',
      '1 file, 1 dirtree, 1 dirmeta, 1 commit',
    ]);
    expect(names()).toBe('1 file, 1 dirtree, 1 dirmeta, 1 commit, a');
    await execa('ostree', ['fsck', '--quiet', `--repo=${repository}`]);
  });

  it('leaves the objects alone that are there, and brings no other commit than that of the ref', async () => {
    const object = String(
      readdirSync(join(repository, 'objects'), { recursive: true }).find((name) =>
        String(name).endsWith('.file'),
      ),
    );
    const before = statSync(join(repository, 'objects', object)).ino;
    await using staging = await stagingRepository(context, repository);
    await execa('ostree', [`--repo=${staging.path}`, 'commit', '--orphan', `--tree=dir=${tree}`]);
    await commit(staging.path, 'b');

    await admit(repository, { staging: staging.path, ref: 'b', isWanted: () => true }, () =>
      Promise.resolve(),
    );

    expect(statSync(join(repository, 'objects', object)).ino).toBe(before);
    expect(names()).toBe('1 file, 1 dirtree, 1 dirmeta, 2 commit, a, b');
  });

  it('does without a commit that another command has brought meanwhile', async () => {
    await using staging = await stagingRepository(context, repository);
    await commit(staging.path, 'c');

    await admit(repository, { staging: staging.path, ref: 'c', isWanted: () => false }, () =>
      Promise.resolve(),
    );

    expect(resolveRef(repository, 'c')).toBeUndefined();
    expect(names()).toBe('1 file, 1 dirtree, 1 dirmeta, 2 commit, a, b');
  });

  it('replaces a damaged commit, which is the same when it was made in the same second', async () => {
    await using staging = await stagingRepository(context, repository);
    await commit(staging.path, 'a');
    const checksum = resolveRef(staging.path, 'a') ?? '';
    const object = join('objects', checksum.slice(0, 2), `${checksum.slice(2)}.commit`);
    const content = readFileSync(join(staging.path, object));
    mkdirSync(join(repository, 'objects', checksum.slice(0, 2)), { recursive: true });
    writeFileSync(join(repository, object), content.subarray(0, 40));

    await admit(repository, { staging: staging.path, ref: 'a', isWanted: () => true }, () =>
      Promise.resolve(),
    );

    expect(readFileSync(join(repository, object))).toEqual(content);
  });
});

describe('a staging repository', () => {
  it('goes when its process is gone', async () => {
    const left = join(repository, 'tmp/.import-1-00000000-abcdef');
    mkdirSync(left);
    await using staging = await stagingRepository(context, repository);
    mkdirSync(left);
    const removed: string[] = [];

    await sweepStaging(context, repository, (path) => void removed.push(path));

    expect(removed).toEqual([left]);
    expect([existsSync(left), existsSync(staging.path)]).toEqual([false, true]);
    expect(readFileSync(join(staging.path, 'config'), 'utf8')).toContain('[core]\nfsync=false\n');
  });

  it.each([
    { config: '[core]\nmode=bare\n', want: '[core]\nfsync=false\nmode=bare\n' },
    { config: '[core]\nfsync = true\nmode=archive\n', want: '[core]\nfsync=false\nmode=archive\n' },
    { config: '# ours\n[core]\nfsync=1\n[x]\na=b\n', want: '# ours\n[core]\nfsync=false\n[x]\na=b\n' },
  ])('is configured like $config', ({ config, want }) => {
    expect(unsynced(config)).toBe(want);
  });
});
