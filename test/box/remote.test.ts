import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { publish } from '../support/publish.ts';
import { CONTAINERS, eventually, tracesIn, uninstallAll, useBox } from '../support/test-box.ts';

const box = useBox();
const IMAGE = 'shared';

beforeEach(async () => {
  await publish('hello-world', IMAGE);
  await box.atomic('pull', box.image(IMAGE));
  await box.atomic('install', '--system', '--name=base', '--set=PORT=8090', box.image(IMAGE));
});

afterEach(async () => {
  await uninstallAll(box);
  expect(await tracesIn(box)).toBe('');
});

const install = async (rootfs: string, ...options: readonly string[]) =>
  await box.atomic('install', '--system', '--name=far', `--rootfs=${rootfs}`, ...options, box.image(IMAGE));
const read = async (file: string) => JSON.parse(await box.file(`${CONTAINERS}/${file}`));
const newer = async (fixture: string) => {
  await publish(fixture, IMAGE);
  await box.atomic('pull', box.image(IMAGE));
};
const greeting = async () => (await eventually(box, 'curl -sf localhost:8081')).stdout;

describe('install --rootfs', () => {
  it.each([
    { what: 'the link of a container', rootfs: `${CONTAINERS}/base` },
    { what: 'a deployment', rootfs: `${CONTAINERS}/base.0` },
  ])('makes a container without files of its own, given $what', async ({ rootfs }) => {
    const installed = await install(rootfs, '--set=RECEIVER=Far');

    expect(installed).toMatchObject({ exitCode: 0, stderr: '' });
    expect(installed.stdout).toContain(
      `The remote rootfs for this container is set to be ${CONTAINERS}/base.0/rootfs\n`,
    );
    expect((await box.sh(`readlink ${CONTAINERS}/far/rootfs`)).stdout).toBe(`${CONTAINERS}/base/rootfs\n`);
    expect((await read('far/config.json')).root).toEqual({
      path: `${CONTAINERS}/base.0/rootfs`,
      readonly: true,
    });
    expect(await read('far/info')).toMatchObject({ remote: `${CONTAINERS}/base` });
    await box.atomic('run', 'far');
    expect(await greeting()).toBe('Hi Far\n');
  });

  it('takes an unpacked root file system', async () => {
    await box.sh(`cp -a ${CONTAINERS}/base/rootfs/. /var/tmp/unpacked`);

    expect(await install('/var/tmp/unpacked')).toMatchObject({ exitCode: 0, stderr: '' });
    await box.atomic('run', 'far');
    expect(await greeting()).toBe('Hi World\n');
    expect(await read('far/info')).toMatchObject({ remote: '/var/tmp/unpacked' });
  });

  it.each([
    {
      rootfs: '/nowhere',
      message: "The container's rootfs is set to remote, but the remote rootfs does not exist",
    },
    { rootfs: '/etc', message: '--remote was specified but the given location does not contain a rootfs' },
  ])('refuses $rootfs', async ({ rootfs, message }) => {
    const refused = await install(rootfs);

    expect(refused).toMatchObject({ stdout: '', exitCode: 1 });
    expect(refused.stderr.startsWith(message)).toBe(true);
  });
});

describe('a container with a remote rootfs', () => {
  beforeEach(async () => {
    await install(`${CONTAINERS}/base`, '--set=RECEIVER=Far');
  });

  it('takes new values, and goes back', async () => {
    const updated = await box.atomic('containers', 'update', '--set=RECEIVER=x', 'far');

    expect(updated).toMatchObject({ exitCode: 0, stderr: '' });
    expect(updated.stdout).toContain(
      'Updating a container with a remote rootfs. Only changes to config will be applied.\n',
    );
    expect((await read('far/info')).values.RECEIVER).toBe('x');
    for (const value of ['Far', 'x', 'Far']) {
      await box.atomic('containers', 'rollback', 'far');
      expect((await read('far/info')).values.RECEIVER).toBe(value);
    }
    for (const value of ['3', '4', '5']) {
      expect((await box.atomic('containers', 'update', `--set=RECEIVER=${value}`, 'far')).exitCode).toBe(0);
    }
  });

  it('follows the updates and rollbacks of the other one, while it runs', async () => {
    await box.atomic('run', 'far');
    await newer('hello-world-2');

    const updated = await box.atomic('containers', 'update', 'base');

    expect(updated).toMatchObject({ exitCode: 0, stderr: '' });
    expect(updated.stdout).toContain('systemctl stop far\n');
    const generation = 'runc exec far sh -c "read g < /usr/share/generation; echo \\$g"';
    expect((await eventually(box, generation)).stdout).toBe('2\n');
    expect(await greeting()).toBe('Hi Far\n');
    expect((await read('far/info')).revision).toBe((await read('base/info')).revision);
    await box.atomic('containers', 'rollback', 'base');
    expect((await read('far/config.json')).root.path).toBe(`${CONTAINERS}/base.0/rootfs`);
    expect((await box.sh('runc exec far ls /usr/share/generation')).exitCode).not.toBe(0);
  });

  it('can be shared in turn, which leads to the owner', async () => {
    const installed = await box.atomic(
      ...['install', '--system', '--name=another', `--rootfs=${CONTAINERS}/far`, box.image(IMAGE)],
    );
    expect(installed).toMatchObject({ exitCode: 0, stderr: '' });
    expect((await read('another/info')).remote).toBe(`${CONTAINERS}/base`);
    // as an earlier version of this program recorded it
    await box.type(
      `cd ${CONTAINERS} && sed -i 's#"remote": "[^"]*"#"remote": "${CONTAINERS}/far"#' another/info`,
    );
    const path = async (name: string) => (await read(`${name}/config.json`)).root.path;

    expect(await box.atomic('containers', 'update', '--set=RECEIVER=x', 'base')).toMatchObject({
      exitCode: 0,
    });

    expect([await path('far'), await path('another')]).toEqual(Array(2).fill(`${CONTAINERS}/base.1/rootfs`));
    expect(await box.atomic('containers', 'rollback', 'base')).toMatchObject({ exitCode: 0 });
    expect([await path('far'), await path('another')]).toEqual(Array(2).fill(`${CONTAINERS}/base.0/rootfs`));
    expect((await box.atomic('uninstall', 'base')).stderr).toContain("is used by 'far', 'another'");
  });

  it('survives three updates of the other one', async () => {
    for (const value of ['1', '2', '3'])
      await box.atomic('containers', 'update', `--set=RECEIVER=${value}`, 'base');

    await box.atomic('run', 'far');
    expect(await greeting()).toBe('Hi Far\n');
  });

  it('is not updated to another image', async () => {
    const refused = await box.atomic('containers', 'update', `--rebase=${box.image('needs-value')}`, 'far');

    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain(
      `cannot update 'far' to another image: its rootfs is ${CONTAINERS}/base; update the container`,
    );
  });

  it('is up to date after update --all', async () => {
    await newer('hello-world-2');

    const updated = await box.atomic('containers', 'update', '--all');

    expect(updated).toMatchObject({ exitCode: 0, stderr: '' });
    expect(updated.stdout).toMatch(/\nbase .* Updated now/);
    expect(updated.stdout).toMatch(/\nfar .* Updated *\n/);
  });

  it.each([
    { what: 'empty', damage: ': > far/config.json' },
    { what: 'missing', damage: 'rm far/config.json' },
  ])('does not keep the other one from being updated when its config.json is $what', async ({ damage }) => {
    // a process that has no handler for SIGTERM yet is given ten seconds
    const isUp = async () => await eventually(box, 'curl -sf localhost:8090');
    await box.atomic('run', 'base');
    await isUp();
    await box.type(`cd ${CONTAINERS} && ${damage}`);

    const updated = await box.atomic('containers', 'update', '--set=RECEIVER=x', 'base');

    expect(updated).toMatchObject({ exitCode: 0 });
    expect(updated.stderr).toMatch(/^Container 'far' cannot follow the container .*config\.json.*\n$/);
    expect(await box.isActive('base')).toBe(true);
    await isUp();
    expect((await box.atomic('containers', 'rollback', 'base')).exitCode).toBe(0);
    expect(await box.isActive('base')).toBe(true);
  });

  it('is named when it is the one that does not start', async () => {
    await box.atomic('run', 'far');
    const broken = `jq '.process.args = ["gone.sh"]' config.json > new && mv new config.json`;
    await box.type(`cd ${CONTAINERS}/far && ${broken}`);

    const updated = await box.atomic('containers', 'update', '--set=RECEIVER=x', 'base');

    expect(updated).toMatchObject({ exitCode: 1 });
    expect(updated.stderr).toContain('Could not restart far.  Attempt automatic rollback\n');
    expect(await box.type(`readlink ${CONTAINERS}/base`)).toBe(`${CONTAINERS}/base.0\n`);
  });

  it('has the latest version when it is rebased to the image that it has', async () => {
    const same = await box.atomic('containers', 'update', `--rebase=${box.image(IMAGE)}`, 'far');

    expect(same).toMatchObject({ exitCode: 0, stderr: '' });
    expect(same.stdout).toContain('Latest version already installed.\n');
    const values = ['--set=RECEIVER=y', `--rebase=${box.image(IMAGE)}`];
    expect(await box.atomic('containers', 'update', ...values, 'far')).toMatchObject({ exitCode: 0 });
    expect((await read('far/info')).values.RECEIVER).toBe('y');
  });

  it('waits for the update of the other one, and is whole afterwards', async () => {
    await box.sh(
      'atomic containers update --set=RECEIVER=a base & atomic containers update --set=RECEIVER=b far & wait',
    );

    const { path } = (await read('far/config.json')).root;
    expect(path).toBe((await box.type(`readlink -f ${CONTAINERS}/base/rootfs`)).trim());
  });

  it('keeps the other one from being uninstalled, unless that is forced', async () => {
    const refused = await box.atomic('uninstall', 'base');

    expect(refused).toEqual({
      stdout: '',
      stderr:
        "cannot uninstall 'base': the root file system of 'base' is used by 'far'; uninstall these first, or use --force\n",
      exitCode: 1,
    });
    expect(await box.atomic('uninstall', '--force', 'base')).toMatchObject({
      exitCode: 0,
      stderr: "Warning: the root file system of 'base' is used by 'far': it will not start again\n",
    });
    expect(await box.atomic('uninstall', 'far')).toMatchObject({ exitCode: 0, stderr: '' });
  });

  it('leaves the files of the other one alone when it is uninstalled', async () => {
    await box.atomic('uninstall', 'far');

    expect((await box.sh(`ls ${CONTAINERS}/base/rootfs/usr/bin/run.sh`)).exitCode).toBe(0);
  });
});
