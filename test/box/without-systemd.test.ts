/** Hosts on which systemd does not run: a chroot, the build of an image. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROJECT } from '../support/box.ts';
import { type AsUser, addUser } from '../support/ordinary-user.ts';
import { CONTAINERS, eventually, useBox } from '../support/test-box.ts';

const box = useBox();
/** On the disk, since images are unpacked below it. */
const ROOT = '/var/lib/containers/chroot';

const MOUNTED = `/usr /proc /sys /dev /run ${PROJECT}`;

/** A root directory that shares programs and /run with the box, and has /etc and /var of its own. */
const MAKE_ROOT = `
  mkdir -p ${ROOT}/usr ${ROOT}/proc ${ROOT}/sys ${ROOT}/dev ${ROOT}/run ${ROOT}/tmp ${ROOT}/var/lib/containers ${ROOT}/var/tmp
  mkdir -p ${ROOT}${PROJECT}
  cp -a /etc ${ROOT}/; for d in bin sbin lib lib64; do cp -a /$d ${ROOT}/; done
  for d in ${MOUNTED}; do mount --rbind $d ${ROOT}$d; mount --make-rslave ${ROOT}$d; done`;
const inChroot = async (line: string) => await box.run(['chroot', ROOT, 'sh', '-c', line]);
/** A process tree, and a /run, of its own, as where an image is built. */
const inBuild = async (line: string) =>
  await box.run([
    'unshare',
    '--mount',
    '--pid',
    '--fork',
    '--mount-proc',
    'sh',
    '-c',
    `mount -t tmpfs tmpfs /run; ${line}`,
  ]);
const install = (name: string, ...options: readonly string[]) =>
  ['atomic install --system', `--name=${name}`, ...options, box.image('hello-world')].join(' ');
const NO_SYSTEMD =
  'systemd does not run here; in a chroot, and where an image is built, services are only enabled';

describe('in a chroot that has the /run of a host where a container of the same name runs', () => {
  const links = async () => (await inChroot('ls /etc/systemd/system/multi-user.target.wants')).stdout;

  beforeAll(async () => {
    await box.type(`${MAKE_ROOT}; ${install('hello')}; atomic run hello`);
  });
  afterAll(async () => {
    expect((await eventually(box, 'curl -sf localhost:8081')).stdout).toBe('Hi World\n');
    await box.type(
      `atomic uninstall hello; for d in ${MOUNTED}; do umount --recursive ${ROOT}$d; done; rm -rf --one-file-system ${ROOT}`,
    );
  });

  it('a container is installed, listed, updated, rolled back and uninstalled, and enabled meanwhile', async () => {
    const installed = await inChroot(install('hello', '--set=PORT=8082'));
    expect(installed).toMatchObject({ exitCode: 0, stderr: '' });
    expect(installed.stdout).toContain('systemctl enable hello\n');
    expect(installed.stdout).not.toContain('daemon-reload');
    expect(await links()).toContain('hello.service\n');

    const listed = await inChroot('atomic containers list');
    expect(listed.stdout).toMatch(/ hello .* unknown /);
    expect(listed).toMatchObject({
      exitCode: 0,
      stderr: `Cannot find out which containers run: ${NO_SYSTEMD}\n`,
    });
    const steps = ['containers update --set=RECEIVER=Ann hello', 'containers rollback hello', 'stop hello'];
    for (const step of steps)
      expect(await inChroot(`atomic ${step}`)).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await inChroot('atomic run hello')).toEqual({
      stdout: '',
      stderr: `cannot start 'hello': ${NO_SYSTEMD}\n`,
      exitCode: 1,
    });

    expect(await inChroot('atomic uninstall hello')).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await links()).not.toContain('hello');
    expect((await inChroot(`ls -A ${CONTAINERS}`)).stdout).toBe('.storage\n');
  });

  it('a command that was cut short is finished, and nothing of it goes back because nothing starts', async () => {
    await inChroot(install('hello'));
    const marked = `sed -i 's/}$/,"running":{"containers":[{"name":"hello","runtime":"\\/usr\\/sbin\\/runc"}],"units":[]}}/'`;
    await inChroot('ATOMIC_TEST_FAULT=switch.linked:kill atomic containers update --set=RECEIVER=Ann hello');
    await inChroot(`${marked} ${CONTAINERS}/.hello.pending`);

    const { stdout, stderr } = await inChroot(`atomic stop hello; readlink ${CONTAINERS}/hello`);

    expect(stderr).toContain(`was cut short: finished the deployment ${CONTAINERS}/hello.1\n`);
    expect(stdout).toBe(`Nothing to stop: systemd does not run here\n${CONTAINERS}/hello.1\n`);
    await inChroot('atomic uninstall hello');
  });
});

describe('where an image is built', () => {
  it('a container is installed, and starts with the host', async () => {
    const built = await inBuild(install('built', '--set=PORT=8083'));
    expect(built).toMatchObject({ exitCode: 0, stderr: '' });
    await box.type(
      'systemctl daemon-reload; systemd-tmpfiles --create; systemctl --no-block start multi-user.target',
    );

    expect((await eventually(box, 'curl -sf localhost:8083')).stdout).toBe('Hi World\n');
    await box.type('atomic uninstall built');
  });
});

describe('an ordinary user', () => {
  let asJoe: AsUser;
  beforeAll(async () => {
    asJoe = await addUser(box, 'joe');
  });

  it('whose own systemd does not run is told so, and has his containers enabled', async () => {
    const offline = (line: string) =>
      `export XDG_RUNTIME_DIR=/home/joe/run; mkdir -p $XDG_RUNTIME_DIR; ${line}`;
    const installed = await asJoe(
      offline(`atomic install --user --name=mine --set=PORT=8084 ${box.image('hello-world')}`),
    );
    expect(installed).toMatchObject({ exitCode: 0, stderr: '' });
    expect((await asJoe(offline('atomic containers list -a'))).stderr).toBe(
      "Cannot find out which containers run: your own systemd does not run; log in, or let root run 'loginctl enable-linger joe'\n",
    );
    expect(await asJoe(offline('atomic run mine'))).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(
        /^cannot start 'mine': your own systemd does not run; log in, or .*enable-linger joe'\n/,
      ),
    });
    await box.type('systemctl restart user@$(id -u joe)');
    await eventually(box, 'test -S /run/user/$(id -u joe)/systemd/private');
    expect((await asJoe('XDG_RUNTIME_DIR=/run/user/$(id -u) systemctl --user is-enabled mine')).stdout).toBe(
      'enabled\n',
    );
    expect(await asJoe('atomic uninstall mine')).toMatchObject({ exitCode: 0, stderr: '' });
  });

  it('may bring no environment, as in jobs of cron', async () => {
    const cron = async (line: string) =>
      await box.run([
        'setpriv',
        '--reuid=joe',
        '--regid=joe',
        '--init-groups',
        'env',
        '-i',
        'sh',
        '-c',
        `cd /; ${line}`,
      ]);
    const atomic = '/usr/local/bin/atomic --debug';
    await cron(`${atomic} install --user --name=mine ${box.image('hello-world')}`);
    const listed = await cron(`${atomic} containers list -a`);
    await cron(`${atomic} uninstall mine`);

    expect(listed.stdout).toMatch(/ mine .* inactive /);
    expect(listed).toMatchObject({ exitCode: 0, stderr: expect.not.stringContaining('Cannot find out') });
  });
});
