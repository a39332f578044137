import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { beforeAll, describe, expect, it } from 'vitest';
import { AtomicError } from '../../../../src/errors.ts';
import { isRepository, listRefs, resolveRef } from '../../../../src/host/ostree/refs.ts';
import { parseCommit, readCommit, readRootFile } from '../../../../src/host/ostree/repository.ts';
import { useDirectory } from '../../support/directory.ts';
import { mutated, noise, randomFrom } from '../../support/noise.ts';

/** Long enough for the offsets of the object to need two bytes each. */
const LONG = 'x'.repeat(5000);

const folder = useDirectory();
let repository = '';
let commit = '';

beforeAll(async () => {
  repository = join(folder, 'repo');
  const tree = join(folder, 'tree');
  await execa('mkdir', ['-p', join(tree, 'sub')]);
  await writeFile(join(tree, 'content'), 'the content');
  await writeFile(join(tree, 'another'), 'something else');
  await execa('ostree', [`--repo=${repository}`, 'init', '--mode=bare']);
  const metadata = ['--add-metadata-string=docker.size=12', `--add-metadata-string=long=${LONG}`];
  const other = ['--add-metadata=number=uint64 7', "--add-metadata=list=['a','b']"];
  const options = ['--branch=ociimage/a_3Ab', '--timestamp=2020-02-03T04:05:06Z', ...metadata, ...other];
  const { stdout } = await execa('ostree', [
    `--repo=${repository}`,
    'commit',
    ...options,
    `--tree=dir=${tree}`,
  ]);
  commit = stdout.trim();
});

const objectFile = () => join(repository, 'objects', commit.slice(0, 2), `${commit.slice(2)}.commit`);

describe('a repository that is not like ours', () => {
  const make = async (name: string, mode: string) => {
    const path = join(folder, name);
    await execa('ostree', [`--repo=${path}`, 'init', `--mode=${mode}`]);
    return path;
  };

  it('may keep its files compressed', async () => {
    const archive = await make('archive', 'archive');
    await execa('ostree', [`--repo=${archive}`, 'pull-local', repository, 'ociimage/a_3Ab']);

    expect(readRootFile(archive, readCommit(archive, commit), 'content').toString()).toBe('the content');
  });

  it('and says which of them is damaged', async () => {
    const archive = await make('damaged', 'archive');
    await execa('ostree', [`--repo=${archive}`, 'pull-local', repository, 'ociimage/a_3Ab']);
    await execa('sh', ['-c', `for f in ${archive}/objects/*/*.filez; do echo garbage > $f; done`]);

    expect(() => readRootFile(archive, readCommit(archive, commit), 'content')).toThrow(
      /\.filez is damaged$/,
    );
  });

  it('may be based on another one', async () => {
    const child = await make('child', 'bare');
    await execa('ostree', [`--repo=${child}`, 'config', 'set', 'core.parent', repository]);

    expect(readRootFile(child, readCommit(child, commit), 'content').toString()).toBe('the content');
    expect(() => readCommit(child, '0'.repeat(64))).toThrow(/0\.commit is missing$/);
  });

  it('and on itself', async () => {
    const loop = await make('loop', 'bare');
    await execa('ostree', [`--repo=${loop}`, 'config', 'set', 'core.parent', loop]);

    expect(() => readCommit(loop, commit)).toThrow(/commit is missing$/);
  });
});

describe('reading a repository', () => {
  it('finds refs and what they hold', () => {
    expect(isRepository(repository)).toBe(true);
    expect(listRefs(repository, 'ociimage')).toEqual(['a_3Ab']);
    expect(resolveRef(repository, 'ociimage/a_3Ab')).toBe(commit);
    expect(resolveRef(repository, 'ociimage/none')).toBeUndefined();
    expect(resolveRef(repository, 'ociimage')).toBeUndefined();
  });

  it('takes a missing repository for an empty one', () => {
    expect(isRepository('/nowhere')).toBe(false);
    expect(listRefs('/nowhere', 'ociimage')).toEqual([]);
    expect(resolveRef('/nowhere', 'ociimage/a')).toBeUndefined();
  });

  it('reads the text metadata and the time of a commit', () => {
    const { metadata, created } = readCommit(repository, commit);

    expect(metadata.get('docker.size')).toBe('12');
    expect(metadata.get('long')).toBe(LONG);
    expect(metadata.has('number')).toBe(false);
    expect(created).toEqual(new Date('2020-02-03T04:05:06Z'));
  });

  it('reads a file of the root folder', () => {
    const read = readCommit(repository, commit);

    expect(readRootFile(repository, read, 'content').toString()).toBe('the content');
    expect(() => readRootFile(repository, read, 'missing')).toThrow(AtomicError);
  });

  it('names a missing object', () => {
    expect(() => readCommit(repository, '0'.repeat(64))).toThrow(/objects\/00\/0+\.commit is missing/);
  });

  it('names a damaged ref', async () => {
    const ref = join(repository, 'refs/heads/ociimage/damaged');
    await writeFile(ref, 'not a checksum');

    expect(() => resolveRef(repository, 'ociimage/damaged')).toThrow(`${ref} is damaged`);
    await rm(ref);
  });
});

describe('parseCommit', () => {
  /** Either a commit or an AtomicError that names the object; anything else is a defect. */
  const verdictOn = (bytes: Uint8Array): 'read' | 'refused' => {
    try {
      parseCommit(bytes, '/the/object');
      return 'read';
    } catch (error) {
      expect(error).toBeInstanceOf(AtomicError);
      expect((error as Error).message).toContain('/the/object');
      return 'refused';
    }
  };

  it('refuses every truncated object', async () => {
    const bytes = await readFile(objectFile());

    for (let length = 0; length < bytes.length - 1; length += 7) {
      expect(verdictOn(bytes.subarray(0, length)), `the first ${length} bytes`).toBe('refused');
    }
  });

  it('survives any single byte being changed', async () => {
    const bytes = await readFile(objectFile());
    const verdicts = new Set<string>();

    for (let index = 0; index < bytes.length; index++) {
      const changed = Buffer.from(bytes);
      changed[index] = (changed[index] ?? 0) ^ 0xff;
      verdicts.add(verdictOn(changed));
    }

    expect(verdicts).toEqual(new Set(['read', 'refused']));
  });

  it('survives noise and mutations', async () => {
    const random = randomFrom(9);
    const bytes = await readFile(objectFile());

    for (let round = 0; round < 2000; round++) {
      verdictOn(noise(random, 300));
      verdictOn(mutated(bytes, random));
    }
  });
});
