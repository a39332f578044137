import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { lutimes, mkdir, readdir, readlink, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { processName } from '../../../../src/host/process-name.ts';
import { claimLayers, removeLeftOverClaims } from '../../../../src/images/store/claims.ts';
import { contextFor } from '../../support/context.ts';
import { useEmptyDirectory } from '../../support/directory.ts';

const repository = useEmptyDirectory();
const context = contextFor();
const paths = { ...context.paths, repository };
const here = { ...context, paths };
const place = join(repository, 'tmp');

/** The name of a process that has ended. */
async function deadProcess(): Promise<string> {
  const child = spawn('true');
  await once(child, 'exit');
  return `${child.pid}-00000000`;
}

/** Claims a layer for a process that lives: ours. */
async function claimAt(hex: string, seconds: number): Promise<void> {
  await symlink(processName(), join(place, `.layer-${hex}`));
  const time = Date.now() / 1000 + seconds;
  await lutimes(join(place, `.layer-${hex}`), time, time);
}

beforeEach(async () => await mkdir(place));

describe('claims on layers', () => {
  it('belong to whoever is first, until they are freed', async () => {
    const first = claimLayers(here, ['a', 'b', 'a']);
    {
      using second = claimLayers(here, ['b', 'c']);
      expect([[...first.hexes], [...second.hexes]]).toEqual([['a', 'b'], ['c']]);
    }
    expect((await readdir(place)).sort()).toEqual(['.layer-a', '.layer-b']);

    first[Symbol.dispose]();
    using third = claimLayers(here, ['a', 'b']);
    expect([...third.hexes]).toEqual(['a', 'b']);
  });

  it('count for a minute, and as long as their process runs; what is none never counts', async () => {
    await claimAt('new', -50);
    await claimAt('old', -61);
    await claimAt('future', 61);
    await symlink(await deadProcess(), join(place, '.layer-dead'));
    await symlink('no process', join(place, '.layer-odd'));
    await writeFile(join(place, '.layer-file'), '');
    await mkdir(join(place, '.layer-directory/within'), { recursive: true });

    using claims = claimLayers(here, ['new', 'old', 'future', 'dead', 'odd', 'file', 'directory']);

    expect([...claims.hexes]).toEqual(['old', 'future', 'dead', 'odd', 'file', 'directory']);
  });

  it('stay when another process has taken them over', async () => {
    const other = `${process.ppid}-00000000`;
    {
      using _claims = claimLayers(here, ['a']);
      await symlink(other, join(place, 'other'));
      await rename(join(place, 'other'), join(place, '.layer-a'));
    }
    expect(await readlink(join(place, '.layer-a'))).toBe(other);
  });

  it('are removed when they are left over, and nothing else is', async () => {
    await claimAt('new', 0);
    await claimAt('old', -61);
    await symlink(await deadProcess(), join(place, '.layer-dead'));
    await symlink(await deadProcess(), join(place, 'dead'));

    removeLeftOverClaims(here);

    expect((await readdir(place)).sort()).toEqual(['.layer-new', 'dead']);
  });
});
