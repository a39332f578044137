import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { PROJECT } from '../support/box.ts';
import { type AsUser, addUser } from '../support/ordinary-user.ts';
import { eventually, useBox } from '../support/test-box.ts';

const box = useBox();
const CHECKOUTS = '/home/joe/.local/share/containers/atomic';
const SYSTEMCTL = 'XDG_RUNTIME_DIR=/run/user/$(id -u) systemctl --user';
let asJoe: AsUser;

beforeAll(async () => {
  asJoe = await addUser(box, 'joe');
});
afterEach(async () => {
  await asJoe('atomic uninstall hello');
});

/** What a user's containers could leave behind. */
const left = async () =>
  (
    await asJoe(
      `ls -A ${CHECKOUTS}; XDG_RUNTIME_DIR=/run/user/$(id -u); export XDG_RUNTIME_DIR; runc list -q; crun list -q; ` +
        'find .config/systemd .local/share/containers/tmpfiles ! -type d; ls -d $XDG_RUNTIME_DIR/container-*',
    )
  ).stdout;
const configOf = async (name: string) =>
  JSON.parse((await asJoe(`cat ${CHECKOUTS}/${name}/config.json`)).stdout);

describe('an ordinary user', () => {
  it('installs, starts, lists, stops and uninstalls a container', async () => {
    const installed = await asJoe(`atomic install --user ${box.image('defaults-only')}`);

    expect(installed).toMatchObject({ exitCode: 0, stderr: '' });
    expect(installed.stdout).toContain('systemctl --user enable defaults-only\n');
    expect(await asJoe('atomic run defaults-only')).toMatchObject({ exitCode: 0, stderr: '' });
    expect((await asJoe(`${SYSTEMCTL} is-active defaults-only`)).stdout).toBe('active\n');
    expect((await asJoe('atomic containers list -q --no-trunc')).stdout).toBe('defaults-only\n');
    expect((await asJoe('atomic images list')).stdout).toContain('>  ');
    expect(await asJoe('atomic uninstall defaults-only')).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await left()).toBe('repo\n');
  });

  it.each(['/usr/sbin/runc', '/usr/bin/crun'])(
    'has the whole life of a container made for root: %s',
    async (runtime) => {
      const image = box.image('for-users');
      const installed = await asJoe(`atomic install --user --runtime=${runtime} --name=hello ${image}`);

      expect(installed).toMatchObject({ exitCode: 0, stderr: '' });
      // limits depend on what the host's cgroups have, and on what its systemd gives to users
      expect(
        installed.stdout.replace(/limits left out [^,;]*, /, '').replace(/lowered to \d+/, 'lowered'),
      ).toContain(
        `Note: ${image} is adapted to run without root: config.json: RLIMIT_NOFILE lowered, the network of the host instead of its own, ` +
          'sysctl net.* left out, rules for devices left out, cgroupsPath left out; ' +
          'unit: Requires=systemd-journald.service left out, User=root left out; ' +
          'host files are not installed: /usr/local/bin/for-root\n',
      );
      expect(await asJoe('atomic run hello')).toMatchObject({ exitCode: 0, stderr: '' });
      expect((await eventually(box, 'curl -sf localhost:8081', 10)).stdout).toBe('Hi World\n');
      const updated = await asJoe('atomic containers update --set=RECEIVER=Joe hello');
      expect(updated).toMatchObject({ exitCode: 0, stderr: '' });
      expect((await eventually(box, 'curl -sf localhost:8081 | grep Joe', 10)).stdout).toBe('Hi Joe\n');
      expect((await asJoe(`atomic run hello sh -c 'echo in $RECEIVER'`)).stdout).toBe('in Joe\n');
      expect(await asJoe('atomic containers rollback hello')).toMatchObject({ exitCode: 0, stderr: '' });
      expect((await eventually(box, 'curl -sf localhost:8081 | grep World', 10)).stdout).toBe('Hi World\n');
      expect(await asJoe('atomic stop hello')).toMatchObject({ exitCode: 0, stderr: '' });
      expect((await asJoe(`${SYSTEMCTL} is-active hello`)).stdout).toBe('inactive\n');
      expect(await asJoe('atomic uninstall hello')).toMatchObject({ exitCode: 0, stderr: '' });
      expect(await left()).toBe('repo\n');
    },
  );

  it.each(['', '/home/joe/data'])(
    'has what was cut short finished when he logs in (XDG_DATA_HOME=%s)',
    async (data) => {
      const environment = data === '' ? '' : `export XDG_DATA_HOME=${data};`;
      const checkouts = data === '' ? CHECKOUTS : `${data}/containers/atomic`;
      const unit = '.config/systemd/user/atomic-recover.service';
      const source = `${PROJECT}/src/units/user/atomic-recover.service`;
      await asJoe(`${environment} atomic install --user --name=hello ${box.image('defaults-only')}`);
      await asJoe(
        `${environment} ATOMIC_TEST_FAULT=switch.linked:kill atomic containers update --set=A=B hello`,
      );
      expect((await asJoe(`ls -A ${checkouts}`)).stdout).toContain('.hello.pending');

      await asJoe(`sed 's|@bin@|/usr/local/bin|' ${source} > ${unit}; ${SYSTEMCTL} daemon-reload`);
      await asJoe(`${SYSTEMCTL} set-environment XDG_DATA_HOME=${data}`);
      expect(await asJoe(`${SYSTEMCTL} start atomic-recover`)).toMatchObject({ exitCode: 0, stderr: '' });

      expect((await asJoe(`ls -A ${checkouts}`)).stdout).toBe(`hello\nhello.0\nhello.1\nrepo\n`);
      await asJoe(`${environment} atomic uninstall hello`);
      await asJoe(
        `rm -rf ${unit} data; ${SYSTEMCTL} unset-environment XDG_DATA_HOME; ${SYSTEMCTL} daemon-reload`,
      );
    },
  );

  it('has his ids, and those of /etc/subuid, in the container', async () => {
    await asJoe(`atomic install --user --name=hello ${box.image('hello-world')}`);
    const { linux } = await configOf('hello');
    const ids = (await asJoe('id -u; grep ^joe: /etc/subuid | cut -d: -f2')).stdout
      .trim()
      .split('\n')
      .map(Number);
    await asJoe('atomic run hello');

    expect(linux.namespaces).toContainEqual({ type: 'user' });
    expect(linux.uidMappings.map(({ hostID }: { hostID: number }) => hostID)).toEqual(ids);
    const map = 'while read -r inner outer count; do echo $inner $outer $count; done < /proc/self/uid_map';
    expect((await asJoe(`atomic run hello sh -c '${map}'`)).stdout).toBe(
      `0 ${ids[0]} 1\n1 ${ids[1]} 65536\n`,
    );
  });

  it('has a container that comes up by itself with his systemd, and what it needs below /run', async () => {
    await asJoe(`atomic install --user --name=hello ${box.image('hello-world')}`);
    await asJoe('atomic run hello');
    await box.type('u=$(id -u joe); systemctl stop user@$u; ! test -e /run/user/$u; systemctl start user@$u');

    expect((await eventually(box, 'curl -sf localhost:8081', 10)).stdout).toBe('Hi World\n');
  });

  it('runs an image once, with its configuration adapted', async () => {
    const ran = await asJoe(`atomic install --user ${box.image('run-once')}`);
    const command = await asJoe(
      `atomic run --storage ostree ${box.image('for-users')} sh -c "echo once; exit 7"`,
    );

    expect(ran).toMatchObject({ stdout: expect.stringContaining('HI '), exitCode: 7, stderr: '' });
    expect(command).toMatchObject({ stdout: expect.stringContaining('once\n'), exitCode: 7 });
    expect(await left()).toBe('repo\n');
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
