import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { publish } from '../support/publish.ts';
import { CONTAINERS, tracesIn, uninstallAll, useBox } from '../support/test-box.ts';

const box = useBox({ isOstreeHost: true });
const REPO = '/ostree/repo';
const IMAGE = 'on-ostree';

const release = async (fixture: string) => {
  await publish(fixture, IMAGE);
  await box.type(`atomic pull ${box.image(IMAGE)}`);
};
const install = async (environment = '') =>
  await box.type(`${environment} atomic install --system --name=c ${box.image(IMAGE)}`);
const refs = async (repository = REPO) =>
  (await box.sh(`ostree --repo=${repository} refs | grep -v '/[0-9a-f]*$' | sort`)).stdout;
const process = async () => await box.type('systemctl show --property=MainPID,NRestarts c');
/** The files of a container that are no hard links. */
const copies = async (directory = CONTAINERS) =>
  await box.type(`find ${directory}/c.*/rootfs/ -type f -links 1`);
/** Where the links of such a host lead to. */
const hostFiles = async () =>
  (await box.sh('cd /var && find usrlocal opt -type f | sort; ls -d /etc/atomic-test.conf')).stdout;

const REF = () => `ociimage/${box.image(IMAGE).replace(':', '_3A').replace('/', '_2F')}_3Alatest\n`;
const FIRST =
  'opt/atomic-test/dropped\nopt/atomic-test/moved/one\nopt/atomic-test/owned\nusrlocal/bin/renamed-tool\n/etc/atomic-test.conf\n';
const SECOND = 'opt/atomic-test/added\nusrlocal/bin/renamed-tool\n/etc/atomic-test.conf\n';

beforeAll(async () => {
  await box.type('touch /run/ostree-booted');
  expect((await box.sh('touch /usr/share/file')).stderr).toContain('Read-only file system');
});

afterEach(async () => {
  await uninstallAll(box);
  await box.sh(
    'umount /srv/disk; mount -o remount,bind,rw /sysroot; atomic -y images delete --all -f; atomic images prune',
  );
  expect(await tracesIn(box)).toBe('');
  expect(await hostFiles()).toBe('');
  expect(await refs()).toBe('host\n');
  await box.type(`ostree --repo=${REPO} fsck --quiet`);
});

describe('on a host that OSTree manages', () => {
  it('a container lives in the repository of the host, its host files behind the links of the host', async () => {
    await release('host-files');
    await install();
    await box.type('atomic run c');
    expect(await hostFiles()).toBe(FIRST);
    expect(await refs()).toBe(`host\n${REF()}`);

    await release('host-files-2');
    await box.type('atomic containers update c');
    expect(await hostFiles()).toBe(SECOND);
    expect(await box.isActive('c')).toBe(true);
    expect(await box.type(`ls -A ${CONTAINERS}`)).toBe('c\nc.0\nc.1\n');
    expect(await copies()).toBe('');

    await box.type('atomic containers rollback c');
    expect(await hostFiles()).toBe(FIRST);
    expect(await box.isActive('c')).toBe(true);
    expect(await box.type('atomic images list -q; atomic containers list -q')).toMatch(/^[0-9a-f]{12}\nc\n$/);
  });

  it('files for /usr are refused while the service runs on', async () => {
    await release('host-files-2');
    await install();
    await box.type('atomic run c');
    await release('host-files-in-usr');
    const before = await process();

    expect(await box.atomic('containers', 'update', 'c')).toMatchObject({
      exitCode: 1,
      stderr: 'cannot put /usr/share/atomic-test on the host: /usr/share is on a read-only file system\n',
    });
    expect(await process()).toBe(before);
    expect(await box.type(`ls -A ${CONTAINERS}`)).toBe('c\nc.0\n');
    expect(await hostFiles()).toBe(SECOND);
  });

  it('what was cut short is finished, and what runs once leaves nothing', async () => {
    await release('host-files');
    await install();
    await box.type('atomic run c');
    await box.sh('ATOMIC_TEST_FAULT=switch.linked:kill atomic containers update --set=RECEIVER=Ann c');

    expect((await box.sh('atomic run c')).stderr).toContain('finished the deployment');
    expect(await box.file('/etc/atomic-test.conf')).toBe('receiver=Ann\n');
    expect(await box.type(`atomic run ${box.image(IMAGE)} sh -c 'echo once'`)).toBe('once\n');
    for (const name of ['c', box.image(IMAGE)])
      expect(await box.type(`atomic mount ${name} /mnt && ls /mnt; atomic unmount /mnt`)).toContain(
        'exports',
      );
    expect(await box.type(`ls -A ${REPO}/tmp ${CONTAINERS}`)).toMatch(/:\ncache\n\n.*:\nc\nc.0\nc.1\n$/);
  });

  it('a container can be removed whose unit went with a rollback of the host', async () => {
    await release('host-files');
    await install();
    await box.type('find /etc/systemd /etc/tmpfiles.d -name c.* -delete; rm /etc/atomic-test.conf');

    await box.type('atomic uninstall c');
    expect(await box.type('atomic containers list -aq')).toBe('');
    await install();
    expect(await hostFiles()).toBe(FIRST);
  });
});

describe('a repository of the host', () => {
  const own = `${CONTAINERS}/.storage/ostree`;

  it('that was chosen takes hard links, too', async () => {
    await release('host-files');
    await install(`ATOMIC_OSTREE_REPO=${REPO}`);

    expect(await copies()).toBe('');
  });

  it('that is read-only is left alone, for as long as there are images elsewhere', async () => {
    await box.type('mount -o remount,bind,ro /sysroot');
    await release('host-files');
    await install();
    await box.type('atomic run c');
    expect(await copies()).toBe('');
    expect(await refs()).toBe('host\n');

    await box.type('mount -o remount,bind,rw /sysroot');
    await box.type('atomic containers update --set=RECEIVER=Ann c');
    expect(await refs()).toBe('host\n');
    expect(await refs(own)).toBe(REF());
    await box.type(`atomic uninstall c && rm -r ${own}`);
  });

  it('that has become read-only is named where its images are missed', async () => {
    await release('host-files');
    await box.type('mount -o remount,bind,ro /sysroot');

    expect(await box.atomic('images', 'list', '-q')).toEqual({
      exitCode: 0,
      stdout: '',
      stderr: 'the images in /ostree/repo are not used, because it is read-only: pull them again\n',
    });
  });
});

describe('a checkout directory on another file system, behind a link of the host', () => {
  const AT = '/srv/disk/containers';
  const ENVIRONMENT = `ATOMIC_OSTREE_CHECKOUT_PATH=${AT}`;

  it('has its own images, and containers live there', async () => {
    await box.type('mkdir -p /srv/disk && mount -t tmpfs tmpfs /srv/disk');
    await publish('host-files', IMAGE);
    await install(ENVIRONMENT);
    await box.type(`${ENVIRONMENT} atomic run c`);
    await publish('host-files-2', IMAGE);
    await box.type(`${ENVIRONMENT} atomic pull ${box.image(IMAGE)}`);
    await box.sh(`ATOMIC_TEST_FAULT=switch.linked:kill ${ENVIRONMENT} atomic containers update c`);

    expect((await box.sh(`${ENVIRONMENT} atomic run c`)).stderr).toContain(
      'finished the deployment /var/srv',
    );
    expect(await hostFiles()).toBe(SECOND);
    await box.type(`${ENVIRONMENT} atomic containers rollback c`);
    expect(await hostFiles()).toBe(FIRST);
    expect(await copies(AT)).toBe('');
    expect(await box.type(`${ENVIRONMENT} atomic run ${box.image(IMAGE)} sh -c 'echo once'`)).toBe('once\n');
    expect(await box.type(`${ENVIRONMENT} atomic containers list -q`)).toBe('c\n');
    expect(await refs()).toBe('host\n');
    await box.type(`${ENVIRONMENT} atomic uninstall c`);
    expect(await box.type(`ls -A ${AT}`)).toBe('.storage\n');
  });

  it('is named when the repository that was chosen is elsewhere', async () => {
    await box.type('mkdir -p /srv/disk && mount -t tmpfs tmpfs /srv/disk');
    await release('host-files');

    const line = `${ENVIRONMENT} ATOMIC_OSTREE_REPO=${REPO} atomic install --system --name=c ${box.image(IMAGE)}`;
    const { exitCode, stderr } = await box.sh(line);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 1,
      stderr:
        `cannot unpack the image: the repository /sysroot${REPO} is on another file system than /var${AT}; files of containers ` +
        'are hard links into it: choose another ostree_repository, or another checkout_path\n',
    });
    expect(await box.type(`ls -A ${AT} | grep -vx .storage || true`)).toBe('');
  });
});
