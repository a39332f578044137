import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { restoreHostFiles } from '../../../../src/containers/host-files/restore.ts';
import { undoHostFiles } from '../../../../src/containers/placement/settle.ts';
import { stageOnHost } from '../../../../src/containers/placement/stage-on-host.ts';
import { swapHostFiles } from '../../../../src/containers/placement/swap.ts';
import { MEMORY, useEmptyDirectory } from '../../support/directory.ts';
import {
  containerIn,
  install,
  pointTo,
  prepare,
  switchTo,
  uninstall,
  update,
  type World,
  worldIn,
} from './world.ts';

const directory = useEmptyDirectory(MEMORY);
let world: World;
beforeEach(() => {
  world = worldIn(directory);
});

describe('a host file that somebody has changed', () => {
  it('stays when its container goes', async () => {
    const app = await install(world, 'app', { '/etc/a': '1', '/opt/app/b': '2', '/opt/app/l': '-> b' });
    world.put({ '/etc/a': 'mine', '/opt/app/l': '-> /etc' });
    world.lines();

    await uninstall(world, app);

    expect(world.host()).toEqual({ '/etc/a': 'mine', '/opt/app/l': '-> /etc' });
    expect(world.lines()).toEqual([
      'Will not delete /etc/a as it was manually modified.',
      'Will not delete /opt/app/l as it was manually modified.',
    ]);
  });

  it('stays over an update that brings a newer one', async () => {
    const app = await install(world, 'app', { '/etc/a': '1' });
    world.put({ '/etc/a': 'mine' });

    const updated = await update(world, app, { tree: { '/etc/a': '2' } });

    expect(world.host()).toEqual({ '/etc/a': 'mine' });
    expect(updated.info['installed-files']).toEqual([]);
  });

  it('stays when it is changed after the new one has been staged', async () => {
    const from = await install(world, 'app', { '/etc/a': 'a', '/etc/b': 'b', '/etc/c': 'c' });
    const container = containerIn(world, 'app');
    const to = await prepare(world, container, {
      slot: 1,
      tree: { '/etc/a': '2', '/etc/d': 'd' },
      current: from,
    });
    await stageOnHost(world.context, container, { to, destination: to.path, installed: [from] });
    world.put({ '/etc/a': 'mine', '/etc/d': 'theirs', '/etc/b': 'edited' });
    world.lines();

    pointTo(container, to);
    await swapHostFiles(world.context, container);

    expect(world.lines()).toEqual([
      'Will not delete /etc/b as it was manually modified.',
      'File /etc/a already exists',
      'File /etc/d already exists',
    ]);
    const record = JSON.parse(readFileSync(join(to.path, 'info'), 'utf8'));
    expect(record['installed-files']).toEqual([]);
    await undoHostFiles(world.context, container);
    expect(world.host()).toEqual({ '/etc/a': 'mine', '/etc/b': 'edited', '/etc/c': 'c', '/etc/d': 'theirs' });
  });

  it('stays when it is something else now, whatever the record of the Python tool says', async () => {
    const app = await install(world, 'app', { '/etc/a': '1' });
    execFileSync('sh', ['-c', 'rm "$1" && mkfifo "$1"', 'sh', world.path('/etc/a')]);
    const info = { ...app.info, 'installed-files-checksum': {}, 'installed-files-links': null };

    await uninstall(world, { ...app, info });

    expect(world.lines()).toContain('Will not delete /etc/a as it was manually modified.');
  });

  it('is not read to the end when its size tells already', async () => {
    const app = await install(world, 'app', { '/var/data': 'small' });
    truncateSync(world.path('/var/data'), 1 << 40);

    await uninstall(world, app);

    expect(world.lines()).toContain('Will not delete /var/data as it was manually modified.');
  });
});

describe('a link or a file in the way of a host file', () => {
  it('is an error before anything is written', async () => {
    mkdirSync(world.path('/srv/elsewhere'), { recursive: true });
    world.put({ '/etc/app': '-> /srv/elsewhere' });

    const refused = install(world, 'app', { '/etc/app/a': 'evil' });

    await expect(refused).rejects.toThrow('cannot put /etc/app/a on the host: /etc/app is a symbolic link');
    expect(world.host()).toEqual({ '/etc/app': '-> /srv/elsewhere', '/srv/elsewhere/': '' });
  });

  it('is an error for a rollback, too', async () => {
    const first = await install(world, 'app', { '/var/lib/app/conf.d/a': '1' });
    const second = await update(world, first, { tree: { '/etc/b': '2' } });
    mkdirSync(world.path('/etc/profile.d'), { recursive: true });
    world.put({ '/var/lib/app/conf.d': '-> /etc/profile.d' });

    const container = containerIn(world, 'app');
    const refused = restoreHostFiles(world.context, container, { target: first, current: second });

    await expect(refused).rejects.toThrow('/var/lib/app/conf.d is a symbolic link');
  });

  it('that appears after staging is not followed, and the change can be undone', async () => {
    const from = await install(world, 'app', { '/opt/app/a': '1' });
    const container = containerIn(world, 'app');
    const to = await prepare(world, container, { slot: 1, tree: { '/opt/app/a': '2' }, current: from });
    await stageOnHost(world.context, container, { to, destination: to.path, installed: [from] });
    renameSync(world.path('/opt/app'), world.path('/opt/moved'));
    mkdirSync(world.path('/secret'));
    symlinkSync('/secret', world.path('/opt/app'));

    await expect(swapHostFiles(world.context, container)).rejects.toThrow(/\/opt\/app is a symbolic link/);
    await undoHostFiles(world.context, container, { isTolerant: true });

    expect(world.host()).toMatchObject({ '/opt/app': '-> /secret', '/secret/': '' });
  });

  it('does not stop an uninstall', async () => {
    const tree = { '/etc/a': '1', '/opt/app/b': '2', '/srv/app/c': '3', '/var/loop/d': '4' };
    const app = await install(world, 'app', tree);
    world.put({ '/opt/app': 'a file', '/srv/app': '-> /etc', '/var/loop': '-> loop' });
    world.lines();

    await uninstall(world, app);

    expect(world.lines()).toEqual([
      'cannot remove /opt/app/b from the host: /opt/app is not a directory',
      'cannot remove /srv/app/c from the host: /srv/app is a symbolic link',
      'cannot remove /var/loop/d from the host: /var/loop is a symbolic link',
    ]);
    expect(world.host()).toEqual({
      '/opt/app': 'a file',
      '/srv/app': '-> /etc',
      '/var/loop': '-> loop',
    });
  });
});

describe('host files', () => {
  it('may go through the links of the system', async () => {
    mkdirSync(world.path('/var/usrlocal'), { recursive: true });
    mkdirSync(world.path('/usr'));
    symlinkSync('../var/usrlocal', world.path('/usr/local'));

    const app = await install(world, 'app', { '/usr/local/bin/tool': 'x' });

    expect(world.host()).toEqual({ '/usr/local': '-> ../var/usrlocal', '/var/usrlocal/bin/tool': 'x' });
    await uninstall(world, app);
    expect(world.host()).toEqual({ '/usr/local': '-> ../var/usrlocal', '/var/usrlocal/': '' });
  });

  it('are put back by a rollback, but for what others have put there meanwhile', async () => {
    const first = await install(world, 'app', { '/opt/a': '1', '/opt/b': '1' });
    const second = await update(world, first, { tree: {} });
    world.put({ '/opt/b': '1' });
    const container = containerIn(world, 'app');

    const target = await restoreHostFiles(world.context, container, { target: first, current: second });
    const back = await switchTo(world, container, { to: target, from: second });

    expect(back.info['installed-files']).toEqual(['/opt/a']);
    await uninstall(world, back);
    expect(world.host()).toEqual({ '/opt/b': '1' });
  });

  it('bring directories with them, which go when they are empty', async () => {
    const app = await install(world, 'app', { '/opt/app/deep/a': '1', '/opt/app/empty/': '' });
    world.put({ '/opt/app/deep/theirs': 'x' });

    await uninstall(world, app);

    expect(world.host()).toEqual({ '/opt/app/deep/theirs': 'x' });
  });

  it('leave directories alone that somebody has made since they were planned', async () => {
    const container = containerIn(world, 'app');
    const to = await prepare(world, container, { tree: { '/opt/app/deep/a': '1' } });
    expect(to.info['created-folders']).toEqual(['/opt', '/opt/app', '/opt/app/deep']);
    mkdirSync(world.path('/opt/app'), { recursive: true });

    const app = await switchTo(world, container, { to });

    expect(app.info['created-folders']).toEqual(['/opt/app/deep']);
    await uninstall(world, app);
    expect(world.host()).toEqual({ '/opt/app/': '' });
  });

  it('have names that never reach a terminal raw', async () => {
    world.put({ '/etc/\x1b[31mred\n': 'theirs' });

    await install(world, 'app', { '/etc/\x1b[31mred\n': 'ours', '/etc/\x07': 'x' });

    expect(world.lines()).toEqual(['File /etc/\\x1b[31mred\\x0a already exists', 'Created file /etc/\\x07']);
  });

  it('leave nothing that a killed process has staged behind when their container goes', async () => {
    const from = await install(world, 'app', { '/opt/app/a': '1' });
    const container = containerIn(world, 'app');
    const to = await prepare(world, container, { slot: 1, tree: { '/etc/new/b': '2' }, current: from });
    await stageOnHost(world.context, container, { to, destination: to.path, installed: [from] });

    await uninstall(world, from);

    expect(world.host()).toEqual({});
  });

  it('of different containers may share a directory that one of them has made', async () => {
    const one = await install(world, 'one', { '/etc/app/one': '1' });
    const two = await install(world, 'two', { '/etc/app/two': '2' });

    await uninstall(world, one);
    expect(world.host()).toEqual({ '/etc/app/two': '2' });
    await uninstall(world, two);
    expect(world.host()).toEqual({});
  });

  it('are copies: who edits one does not change the image', async () => {
    const app = await install(world, 'app', { '/etc/a': 'image' });
    writeFileSync(world.path('/etc/a'), 'edited in place');
    chmodSync(world.path('/etc/a'), 0o600);

    expect(readFileSync(join(app.path, 'hostfs/etc/a'), 'utf8')).toBe('image');
  });
});
