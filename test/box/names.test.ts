/** Names that look like those of other containers, of their deployments, or of units. */
import { afterEach, describe, expect, it } from 'vitest';
import { CONTAINERS, eventually, tracesIn, useBox } from '../support/test-box.ts';

const box = useBox();

const install = async (name: string) =>
  await box.atomic('install', '--system', `--name=${name}`, box.image('hello-world'));

afterEach(async () => {
  await box.sh('for c in $(atomic containers list -aq --no-trunc); do atomic uninstall --force $c; done');
  expect(await tracesIn(box)).toBe('');
});

describe('a container that is called as a deployment of another would be', () => {
  it('is not installed beside that one', async () => {
    await install('c');

    const refused = await install('c.1');

    expect(refused).toEqual({
      stdout: '',
      stderr:
        "Invalid container name 'c.1': it is kept for a deployment of the container 'c'; choose another --name\n",
      exitCode: 1,
    });
    expect(await box.atomic('containers', 'update', '--set=RECEIVER=x', 'c')).toMatchObject({ exitCode: 0 });
    expect((await box.atomic('uninstall', 'c.1')).stderr).toContain("Unable to find 'c.1'");
    expect((await box.atomic('containers', 'rollback', 'c')).exitCode).toBe(0);
  });

  it('keeps the other one from being installed, and is left alone by its uninstall and by prune', async () => {
    await install('c.1');
    await box.atomic('run', 'c.1');
    await eventually(box, 'curl -sf localhost:8081');

    expect(await install('c')).toMatchObject({
      exitCode: 1,
      stderr: `Invalid container name 'c': ${CONTAINERS}/c.1 is a container of its own; choose another --name\n`,
    });
    expect((await box.atomic('uninstall', 'c')).stderr).toContain("Unable to find 'c'");
    await box.type('atomic -y images prune');

    expect((await box.atomic('containers', 'list', '-q')).stdout).toBe('c.1\n');
    expect(await box.type('curl -sf localhost:8081')).toBe('Hi World\n');
  });

  it('is not touched where an earlier version of this program has installed both', async () => {
    await install('c');
    await box.type(
      `cd ${CONTAINERS} && cp -a c.0 c.1.0 && ln -s ${CONTAINERS}/c.1.0 c.1 && cp /etc/systemd/system/c.service /etc/systemd/system/c.1.service`,
    );

    const updated = await box.atomic('containers', 'update', '--set=RECEIVER=x', 'c');

    expect(updated).toMatchObject({
      exitCode: 1,
      stderr: `cannot put a deployment at ${CONTAINERS}/c.1: that is a container of its own, or a file\n`,
    });
    expect((await box.atomic('containers', 'list', '-aq')).stdout).toBe('c\nc.1\n');
    expect(await box.atomic('uninstall', 'c')).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await box.type(`readlink -e ${CONTAINERS}/c.1; ls ${CONTAINERS}/c.1/rootfs/usr/bin/run.sh`)).toBe(
      `${CONTAINERS}/c.1.0\n${CONTAINERS}/c.1/rootfs/usr/bin/run.sh\n`,
    );
    await box.type('rm /etc/systemd/system/c.1.service');
  });
});

describe('a name that a service of the host has', () => {
  const HOST = '/usr/local/lib/systemd/system/hosts-own.service';
  const make = async () =>
    await box.type(
      `mkdir -p $(dirname ${HOST}); printf "[Service]\\nExecStart=/bin/sleep 1000\\n" > ${HOST}; systemctl daemon-reload`,
    );
  const remove = async () =>
    await box.type(`systemctl stop hosts-own; rm -f ${HOST}; systemctl daemon-reload`);

  it('is refused while that service runs', async () => {
    await make();
    await box.type('systemctl start hosts-own');

    expect(await install('hosts-own')).toMatchObject({
      exitCode: 1,
      stderr: `cannot install 'hosts-own': a service of the host has that name, and runs (${HOST}); choose another --name, or stop it with 'systemctl stop hosts-own'\n`,
    });

    expect(await box.isActive('hosts-own')).toBe(true);
    await remove();
  });

  it('is warned about, and the service is never stopped for the container', async () => {
    const unit = '/etc/systemd/system/hosts-own.service';
    await make();
    expect(await install('hosts-own')).toMatchObject({
      exitCode: 0,
      stderr: `Warning: ${unit} hides ${HOST} of this host\n`,
    });
    expect(await box.atomic('run', 'hosts-own')).toMatchObject({ exitCode: 0 });
    expect(await box.atomic('stop', 'hosts-own')).toMatchObject({ exitCode: 0 });
    await box.type(
      `mv ${unit} /run/; systemctl daemon-reload; systemctl start hosts-own; mv /run/hosts-own.service ${unit}`,
    );

    const stopped = await box.atomic('stop', 'hosts-own');
    const removed = await box.atomic('uninstall', 'hosts-own');

    expect(stopped).toMatchObject({ exitCode: 1 });
    expect(stopped.stderr).toContain('systemd has loaded a service of the host by that name');
    expect(removed).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await box.isActive('hosts-own')).toBe(true);
    await remove();
  });
});

describe('a service of the host that is enabled, and stopped', () => {
  const HOST = '/usr/lib/systemd/system/hosts-own.service';
  const state = async () =>
    await box.sh(
      'systemctl is-enabled hosts-own; systemctl show -P FragmentPath hosts-own; readlink /etc/systemd/system/*/hosts-own.service',
    );

  it('is so again when a container that had its name is updated and uninstalled', async () => {
    await box.type(
      `printf "[Service]\\nExecStart=/bin/sleep 1000\\n[Install]\\nWantedBy=multi-user.target\\n" > ${HOST}
       systemctl enable hosts-own`,
    );
    const before = await state();
    expect(before.stdout).toContain('enabled\n');
    expect(await install('hosts-own')).toMatchObject({ exitCode: 0 });
    const unit = `${CONTAINERS}/hosts-own.0/hosts-own.service`;
    await box.type(
      `sed -i 's/WantedBy=.*/WantedBy=basic.target/' ${unit} && cp ${unit} /etc/systemd/system/`,
    );
    await box.type('atomic containers update --set=RECEIVER=x hosts-own');

    await box.type('atomic uninstall hosts-own');

    expect(await state()).toEqual(before);
    await box.type(`systemctl disable hosts-own; rm ${HOST}; systemctl daemon-reload`);
    expect((await box.sh("find /etc/systemd/system -name 'hosts-own*'")).stdout).toBe('');
  });
});

describe('a name that ends like that of a unit', () => {
  it.each(['x.service', 'x.socket', 'x.mount', 'x.slice'])('%s is refused', async (name) => {
    const refused = await install(name);

    expect(refused).toMatchObject({ stdout: '', exitCode: 1 });
    expect(refused.stderr).toMatch(/^Invalid container name "x\..*it ends like that of a unit.*; use x\n$/);
  });

  it('never leads to somebody else’s unit', async () => {
    await box.type(
      'printf "[Service]\\nExecStart=/bin/sleep 1000\\n" > /etc/systemd/system/other.service; systemctl daemon-reload; systemctl start other',
    );
    // as an earlier version of this program would have installed it
    await install('x');
    await box.type(
      `cd ${CONTAINERS} && mv x.0 other.service.0 && mv other.service.0/x.service other.service.0/other.service.service && ln -s ${CONTAINERS}/other.service.0 other.service && rm x && mv /etc/systemd/system/x.service /etc/systemd/system/other.service.service && rm /etc/systemd/system/*.wants/x.service`,
    );

    await box.atomic('stop', 'other.service');
    expect(await box.isActive('other.service')).toBe(true);
    await box.atomic('uninstall', 'other.service');
    expect(await box.isActive('other.service')).toBe(true);
    await box.type('systemctl stop other; rm -f /etc/systemd/system/other.service /etc/tmpfiles.d/x.conf');
  });
});
