import { beforeAll, describe, expect, it } from 'vitest';
import { eventually, useBox } from '../support/test-box.ts';

const box = useBox();
const CHECKOUTS = '/home/joe/.local/share/containers/atomic';

/** Types a line as an ordinary user whose own systemd is up. */
const asJoe = async (line: string) =>
  await box.run([
    'su',
    '-',
    'joe',
    '-c',
    `XDG_RUNTIME_DIR=/run/user/$(id -u) PATH=/usr/local/bin:$PATH; export XDG_RUNTIME_DIR PATH; ${line}`,
  ]);

beforeAll(async () => {
  await box.type('useradd --create-home joe; loginctl enable-linger joe');
  await eventually(box, 'test -S /run/user/$(id -u joe)/systemd/private');
});

describe('an ordinary user', () => {
  it('installs, starts, lists, stops and uninstalls a container', async () => {
    const installed = await asJoe(`atomic install --user ${box.image('defaults-only')}`);

    expect(installed).toMatchObject({ exitCode: 0, stderr: '' });
    expect(installed.stdout).toContain('systemctl --user enable defaults-only\n');
    expect(await asJoe('atomic run defaults-only')).toMatchObject({ exitCode: 0, stderr: '' });
    expect((await asJoe('systemctl --user is-active defaults-only')).stdout).toBe('active\n');
    expect((await asJoe('atomic containers list -q --no-trunc')).stdout).toBe('defaults-only\n');
    expect((await asJoe('atomic images list')).stdout).toContain('>  ');
    expect(await asJoe('atomic uninstall defaults-only')).toMatchObject({ exitCode: 0, stderr: '' });
    expect((await asJoe(`ls -A ${CHECKOUTS}; runc list -q`)).stdout).toBe('repo\n');
  });

  it('gets the configuration of an image made for root changed so that he may run it', async () => {
    await asJoe(`atomic install --user --name=hello ${box.image('for-users')}`);
    const config = JSON.parse((await asJoe(`cat ${CHECKOUTS}/hello/config.json`)).stdout);
    const uid = Number((await asJoe('id -u')).stdout);

    expect(config.linux.namespaces).toContainEqual({ type: 'user' });
    expect(config.linux.uidMappings[0]).toEqual({ containerID: 0, hostID: uid, size: 1 });
    await asJoe(`chmod 0555 ${CHECKOUTS}/hello/rootfs/usr/bin`);
    expect(await asJoe('atomic run hello')).toMatchObject({ exitCode: 0, stderr: '' });
    expect((await eventually(box, 'curl -sf localhost:8081')).stdout).toBe('Hi World\n');
    expect(await asJoe('atomic uninstall hello')).toMatchObject({ exitCode: 0, stderr: '' });
  });

  it.each(['/run/user/0', '/etc/passwd'])('is told when there is no place for locks: %s', async (path) => {
    const { stderr, exitCode } = await asJoe(
      `XDG_RUNTIME_DIR=${path} atomic images tag ${box.image('defaults-only')} other`,
    );

    expect(stderr).toBe(
      `cannot create ${path}/atomic/locks, the directory for locks; set XDG_RUNTIME_DIR to a directory of your own, ` +
        "or let root run 'loginctl enable-linger' for you\n",
    );
    expect(exitCode).toBe(1);
  });

  it('cannot use --system', async () => {
    expect(await asJoe(`atomic install --system ${box.image('defaults-only')}`)).toMatchObject({
      exitCode: 1,
      stderr: 'Only root can use --system\n',
    });
  });
});
