import { afterEach, describe, expect, it } from 'vitest';
import { CONTAINERS, eventually, tracesIn, useBox } from '../support/test-box.ts';

const box = useBox();

afterEach(async () => {
  await box.sh(`for c in $(atomic containers list -aq --no-trunc); do atomic uninstall $c; done`);
  expect(await tracesIn(box)).toBe('');
});

const install = async (name: string, image: string, ...options: readonly string[]) =>
  await box.atomic('install', '--system', `--name=${name}`, ...options, box.image(image));

describe('an image without /exports', () => {
  it('gets a configuration and a unit that work', async () => {
    const installed = await install('plain', 'defaults-only');
    const started = await box.atomic('run', 'plain');

    expect(installed.stdout).toContain('Warning: /exports directory not found.');
    expect(started).toMatchObject({ exitCode: 0, stderr: '' });
    expect((await box.sh('systemctl is-active plain; cat /run/container-plain.pid')).stdout).toMatch(
      /^active\n\d+$/,
    );
    expect((await box.sh('runc list -q')).stdout).toBe('plain\n');
    const config = JSON.parse(await box.file(`${CONTAINERS}/plain/config.json`));
    expect(config).toMatchObject({ root: { path: 'rootfs', readonly: true }, process: { args: ['run.sh'] } });
  });
});

describe('a umask that keeps others out', () => {
  it('does not keep them out of the container', async () => {
    await box.type(`umask 077; atomic install --system --name=u ${box.image('hello-world')}`);

    expect(await box.type(`cd ${CONTAINERS}/u && stat -c '%a %U' rootfs/ rootfs/usr`)).toBe(
      '755 root\n755 root\n',
    );
  });
});

describe('a unit that systemd has in mind before the container is installed', () => {
  it('is read again, so that it can be started', async () => {
    await box.type(
      "printf '[Unit]\\nWants=c.service\\n[Service]\\nExecStart=/bin/sleep infinity\\n' > /run/systemd/system/lamp.service; systemctl daemon-reload; systemctl start lamp",
    );

    expect((await install('c', 'hello-world')).stdout).toContain('systemctl daemon-reload\n');

    await box.type('systemctl start c; systemctl stop lamp; rm /run/systemd/system/lamp.service');
    await box.type('systemctl daemon-reload');
  });
});

describe('bind mounts', () => {
  it('get the folders they lack, and what exists is left alone', async () => {
    const modes = 'stat -c "%a %n" /run/with-mounts /var/lib/with-mounts/data /etc';

    await install('with-mounts', 'with-mounts');

    expect(await box.file('/etc/tmpfiles.d/with-mounts.conf')).toBe(
      'd    /run/with-mounts   0700 0 0 - -\nd    /var/lib/with-mounts/data   0700 0 0 - -\n',
    );
    expect((await box.sh(modes)).stdout).toBe(
      '700 /run/with-mounts\n700 /var/lib/with-mounts/data\n755 /etc\n',
    );
    expect((await box.atomic('run', 'with-mounts')).exitCode).toBe(0);
  });
});

describe('--runtime', () => {
  it('is used by the unit, by stop and by uninstall', async () => {
    await install('c', 'hello-world', '--runtime=/usr/bin/crun');
    await box.atomic('run', 'c');
    await eventually(box, 'curl -sf localhost:8081');

    expect((await box.sh('crun list -q; runc list -q')).stdout).toBe('c\n');
    expect(await box.file('/etc/systemd/system/c.service')).toContain(
      "/usr/bin/crun --systemd-cgroup run 'c'",
    );
    expect((await box.atomic('stop', 'c')).exitCode).toBe(0);
    expect((await box.sh('crun list -q')).stdout).toBe('');
  });

  it('may be named without its path, also in the configuration', async () => {
    await install('c', 'hello-world', '--runtime=crun');
    await box.type("echo 'runtime: crun' >/etc/atomic.conf");
    await install('d', 'hello-world');
    await box.type('rm /etc/atomic.conf');

    for (const name of ['c', 'd'])
      expect(await box.file(`/etc/systemd/system/${name}.service`)).toContain(
        `/usr/bin/crun --systemd-cgroup run '${name}'`,
      );
  });

  it('may be any program that says a version', async () => {
    await install('ls', 'hello-world', '--runtime=/bin/ls');

    expect(await box.file('/etc/systemd/system/ls.service')).toContain("ExecStart=/bin/ls run 'ls'");
  });
});

describe('--display', () => {
  it('pulls nothing, installs nothing, and says what it would do', async () => {
    const shown = await install('shown', 'stubborn', '--display');

    expect(shown).toMatchObject({ exitCode: 0, stderr: '' });
    expect(shown.stdout.split('\n')[0]).toBe(`Extracting to ${CONTAINERS}/shown.0`);
    expect((await box.atomic('images', 'list')).stdout).not.toContain('stubborn');
  });

  it('shows the files of an image that is there, and leaves nothing', async () => {
    await box.atomic('pull', box.image('host-files'));

    const shown = await install('shown', 'host-files', '--display', '--set=RECEIVER=me');

    expect(shown).toMatchObject({ exitCode: 0, stderr: '' });
    for (const line of [
      `Would write ${CONTAINERS}/shown.0/config.json:`,
      'Would install /opt/atomic-test/dropped',
      'Would write /etc/systemd/system/shown.service:',
      `    WorkingDirectory=${CONTAINERS}/shown.0`,
      'systemctl enable shown',
      `Would make ${CONTAINERS}/shown point to ${CONTAINERS}/shown.0`,
    ])
      expect(shown.stdout.split('\n')).toContain(line);
    expect(shown.stdout).toContain('RECEIVER=me');
    expect((await box.sh(`ls -A ${CONTAINERS} | grep shown; ls -d /opt/atomic-test`)).stdout).toBe('');
  });
});

describe('values', () => {
  it('are taken from --set, the last of a name, with = and nothing in them', async () => {
    await install('v', 'hello-world', '--set=RECEIVER=a', '--set', 'RECEIVER=b=c', '--set=PORT=');
    const { values } = JSON.parse(await box.file(`${CONTAINERS}/v/info`));

    expect(values).toMatchObject({
      RECEIVER: 'b=c',
      PORT: '',
      RUN_DIRECTORY: '/run',
      CONF_DIRECTORY: '/etc',
    });
    expect(values.ATOMIC).toBe('/usr/local/bin/atomic');
    expect(values.UUID).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('that are forced cannot be set', async () => {
    await install('forced', 'hello-world', '--set=NAME=other', '--set=DESTDIR=/');
    const { values } = JSON.parse(await box.file(`${CONTAINERS}/forced/info`));

    expect(values).toMatchObject({ NAME: 'forced', DESTDIR: `${CONTAINERS}/forced.0` });
  });
});

describe('a name', () => {
  it('with a dot and a digit is a container like any other', async () => {
    expect((await install('container.0', 'hello-world')).exitCode).toBe(0);
    expect((await box.atomic('containers', 'list', '-aq')).stdout).toBe('container.0\n');
    expect((await box.atomic('uninstall', 'container.0')).exitCode).toBe(0);
  });

  it('that two commands want at once goes to one of them', async () => {
    const both = await box.sh(
      `for i in 1 2; do atomic install --system --name=twin --set=RECEIVER=$i ${box.image('hello-world')} & done; wait`,
    );

    expect(both.stdout.match(/twin already present/g)).toHaveLength(1);
    expect((await box.atomic('containers', 'list', '-aq')).stdout).toBe('twin\n');
  });
});
