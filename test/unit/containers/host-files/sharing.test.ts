import { existsSync, writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Deployment } from '../../../../src/containers/deployments/deployment.ts';
import { stageOnHost } from '../../../../src/containers/placement/stage-on-host.ts';
import { MEMORY, useEmptyDirectory } from '../../support/directory.ts';
import { containerIn, install, prepare, switchTo, uninstall, update, type World, worldIn } from './world.ts';

const directory = useEmptyDirectory(MEMORY);
let world: World;
beforeEach(() => {
  world = worldIn(directory);
});

const CONFIG = '/etc/kubernetes/config';

describe('a file that two containers bring', () => {
  it('is shared, and goes with the last of them', async () => {
    const one = await install(world, 'one', { [CONFIG]: 'a', '/etc/kubernetes/one': '1' });
    const two = await install(world, 'two', { [CONFIG]: 'a', '/etc/kubernetes/two': '2' });

    expect(two.info['installed-files']).toEqual([CONFIG, '/etc/kubernetes/two']);
    await uninstall(world, one);
    expect(world.host()).toEqual({ [CONFIG]: 'a', '/etc/kubernetes/two': '2' });
    await uninstall(world, two);
    expect(world.host()).toEqual({});
  });

  it('stays as the first one brought it when the second one wants another content', async () => {
    const one = await install(world, 'one', { [CONFIG]: 'a' });
    world.lines();

    const two = await install(world, 'two', { [CONFIG]: 'b' });

    expect(world.lines()).toEqual([
      `File ${CONFIG} already exists`,
      `${CONFIG} belongs to the container 'one'`,
    ]);
    expect(two.info['installed-files']).toEqual([]);
    await uninstall(world, two);
    expect(world.host()).toEqual({ [CONFIG]: 'a' });
    await uninstall(world, one);
    expect(world.host()).toEqual({});
  });

  it('is replaced once all that have it want the new content', async () => {
    let one = await install(world, 'one', { [CONFIG]: 'a' });
    let two = await install(world, 'two', { [CONFIG]: 'a' });
    world.lines();

    one = await update(world, one, { tree: { [CONFIG]: 'b' } });

    expect(world.lines()).toEqual([
      `File ${CONFIG} already exists`,
      `${CONFIG} belongs to the container 'two'`,
    ]);
    expect(world.host()).toEqual({ [CONFIG]: 'a' });
    two = await update(world, two, { tree: { [CONFIG]: 'b' } });
    expect(world.host()).toEqual({ [CONFIG]: 'b' });
    await uninstall(world, two);
    expect(world.host()).toEqual({ [CONFIG]: 'b' });
    await uninstall(world, one);
    expect(world.host()).toEqual({});
  });

  it('is replaced by the only one that is left', async () => {
    const one = await install(world, 'one', { [CONFIG]: 'a' });
    const two = await install(world, 'two', { [CONFIG]: 'a' });
    const updated = await update(world, one, { tree: { [CONFIG]: 'b' } });
    await uninstall(world, two);

    const again = await update(world, updated, { tree: { [CONFIG]: 'c' }, slot: 0 });

    expect(world.host()).toEqual({ [CONFIG]: 'c' });
    await uninstall(world, again);
    expect(world.host()).toEqual({});
  });

  it('is put there by the second one when it has vanished since that was planned', async () => {
    const one = await install(world, 'one', { [CONFIG]: 'a' });
    const second = containerIn(world, 'two');
    const to = await prepare(world, second, { tree: { [CONFIG]: 'a' } });
    await uninstall(world, one);

    const two = await switchTo(world, second, { to });

    expect(world.host()).toEqual({ [CONFIG]: 'a' });
    await uninstall(world, two);
    expect(world.host()).toEqual({});
  });

  it('is not removed with the first one while the second one is under way', async () => {
    const one = await install(world, 'one', { [CONFIG]: 'a' });
    const second = containerIn(world, 'two');
    const to = await prepare(world, second, { tree: { [CONFIG]: 'a' } });
    await stageOnHost(world.context, second, { to, destination: to.path, installed: [] });

    await uninstall(world, one);

    expect(world.host()).toEqual({ [CONFIG]: 'a' });
    expect(existsSync(second.hostFiles)).toBe(true);
  });

  it('stays when the record of the other one cannot be read', async () => {
    const one = await install(world, 'one', { [CONFIG]: 'a' });
    const two = await install(world, 'two', { [CONFIG]: 'a' });
    writeFileSync(`${two.path}/info`, 'damaged');

    await uninstall(world, one);

    expect(world.host()).toEqual({ [CONFIG]: 'a' });
  });

  it.each([
    [0, 1, 2, 3, 4],
    [4, 3, 2, 1, 0],
    [2, 0, 4, 1, 3],
  ])('may be brought by five, which go in any order (%i, %i, %i, %i, %i)', async (...order) => {
    const names = ['apiserver', 'controller', 'scheduler', 'kubelet', 'proxy'];
    const tree = (name: string, config: string) => ({ [CONFIG]: config, [`/etc/kubernetes/${name}`]: name });
    const deployments: Deployment[] = [];
    for (const name of names) deployments.push(await install(world, name, tree(name, '1')));
    for (const index of order) {
      const old = deployments[index];
      if (old !== undefined) deployments[index] = await update(world, old, { tree: tree(old.name, '2') });
    }

    expect(world.host()[CONFIG]).toBe('2');
    for (const index of [...order].reverse()) {
      expect(world.host()[CONFIG]).toBe('2');
      const deployment = deployments[index];
      if (deployment !== undefined) await uninstall(world, deployment);
    }
    expect(world.host()).toEqual({});
  });
});

describe('a file that nobody of ours has brought', () => {
  it('is never adopted, even when it is the same', async () => {
    world.put({ [CONFIG]: 'a' });

    const one = await install(world, 'one', { [CONFIG]: 'a' });

    expect(world.lines()).toEqual([`File ${CONFIG} already exists`]);
    expect(one.info['installed-files']).toEqual([]);
    await uninstall(world, one);
    expect(world.host()).toEqual({ [CONFIG]: 'a' });
  });

  it('is not removed with a container that had the same file earlier', async () => {
    const first = await install(world, 'one', { '/opt/t': 'a', '/opt/u': 'u' });
    const second = await update(world, first, { tree: { '/opt/u': 'u' } });
    world.put({ '/opt/t': 'a' });

    await uninstall(world, second);

    expect(world.host()).toEqual({ '/opt/t': 'a' });
  });
});
