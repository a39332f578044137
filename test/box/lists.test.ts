import { beforeAll, describe, expect, it } from 'vitest';
import { CONTAINERS, useBox } from '../support/test-box.ts';

const box = useBox();

beforeAll(async () => {
  for (const name of ['one', 'two'])
    await box.atomic('install', '--system', `--name=${name}`, box.image('hello-world'));
});

/** The programs that a command starts, one word each. */
async function programsOf(...argv: readonly string[]): Promise<readonly string[]> {
  const { stdout, stderr } = await box.atomic('--debug', ...argv);
  expect(stdout).toContain('\nBackends(ostree: Active, )\n\n');
  return [...stderr.matchAll(/"argv":\["([^"]+)"/g)].map(([, program = '']) => program);
}

describe('an engine that systemd starts at the first call', () => {
  it('is not started by a list', async () => {
    const unit =
      'systemd-run --quiet --unit=sleepy --socket-property=ListenStream=/run/docker.sock sleep 1000';
    await box.type(unit);

    expect(await box.atomic('images', 'list')).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await box.atomic('containers', 'list', '-a')).toMatchObject({ exitCode: 0, stderr: '' });

    expect(await box.isActive('sleepy.socket')).toBe(true);
    expect(await box.isActive('sleepy.service')).toBe(false);
    await box.type('systemctl stop sleepy.socket; rm -f /run/docker.sock');
  });
});

describe('the number of processes', () => {
  it('is one for containers, none for images, however many there are', async () => {
    const few = [await programsOf('containers', 'list', '-a'), await programsOf('images', 'list', '-a')];
    await box.sh(
      `cd ${CONTAINERS}; for i in $(seq 20); do mkdir c$i.0; cp one.0/info one.0/config.json c$i.0; ln -s ${CONTAINERS}/c$i.0 c$i; done`,
    );
    const many = [await programsOf('containers', 'list', '-a'), await programsOf('images', 'list', '-a')];
    const count = (await box.atomic('containers', 'list', '-aq')).stdout.trim().split('\n').length;
    await box.sh(`rm -rf ${CONTAINERS}/c[0-9]*`);

    expect(count).toBe(22);
    expect(few).toEqual([['systemctl'], []]);
    expect(many).toEqual(few);
  });
});

describe('reading', () => {
  it('creates nothing where there is nothing', async () => {
    const empty = 'ATOMIC_OSTREE_CHECKOUT_PATH=/run/empty';
    const listed = await box.sh(
      `${empty} atomic containers list -a; ${empty} atomic images list -a; ls -d /run/empty`,
    );

    expect(listed.stdout).toBe('');
  });

  it('works for an ordinary user where the files allow it', async () => {
    const env = `ATOMIC_OSTREE_CHECKOUT_PATH=${CONTAINERS} ATOMIC_OSTREE_REPO=${CONTAINERS}/.storage/ostree`;
    const list = `setpriv --reuid=65534 --clear-groups env HOME=/run ${env} atomic images list -q`;

    const closed = await box.sh(list);
    const open = await box.sh(`cd ${CONTAINERS}; chmod a+rx . .storage .storage/ostree; ${list}`);

    expect(closed).toMatchObject({ stdout: '', exitCode: 1 });
    expect(closed.stderr).toMatch(/^EACCES: .*\nSome operations for 'images' require root access\.\n$/);
    expect(open.stdout).toMatch(/^[0-9a-f]{12}\n$/);
  });
});

describe('damaged containers', () => {
  it.each([
    ['no info', 'mkdir bad.0; ln -s $PWD/bad.0 bad', /Skipping container 'bad': cannot read .*bad\/info/],
    [
      'an empty info',
      'mkdir bad.0; ln -s $PWD/bad.0 bad; : > bad/info',
      /Skipping container 'bad': .*info is damaged/,
    ],
    [
      'a truncated info',
      'mkdir bad.0; ln -s $PWD/bad.0 bad; head -c 99 one/info > bad/info',
      /Skipping container 'bad'/,
    ],
    [
      'an info that is a list',
      'mkdir bad.0; ln -s $PWD/bad.0 bad; echo [] > bad/info',
      /Skipping container 'bad'/,
    ],
    ['a folder for info', 'mkdir -p bad.0/info; ln -s $PWD/bad.0 bad', /Skipping container 'bad'/],
    ['a slot without a link', 'mkdir bad.1', /Skipping container 'bad.1'/],
    ['a stray file', ': > bad', /Skipping container 'bad'/],
    ['a link to itself', 'ln -s bad bad', /Skipping container 'bad'/],
  ])('with %s are named in a warning, and the others are listed', async (_, damage, warning) => {
    await box.sh(`cd ${CONTAINERS}; ${damage}`);

    const containers = await box.atomic('containers', 'list', '-aq');
    const images = await box.atomic('images', 'list', '-q');
    const removed = await box.sh(`atomic uninstall bad; rm -rf ${CONTAINERS}/bad*`);

    expect(containers.stdout).toBe('one\ntwo\n');
    expect(containers.stderr).toMatch(warning);
    expect(images.exitCode).toBe(0);
    expect(removed.exitCode).toBe(0);
  });

  it('with a damaged config.json are listed without a command', async () => {
    await box.sh(`cd ${CONTAINERS}; cp two/config.json /run/; echo '{}' > two/config.json`);
    const empty = await box.atomic('containers', 'list', '-a', '--json', '-f', 'container=two');
    await box.sh(`echo '{' > ${CONTAINERS}/two/config.json`);
    const broken = await box.atomic('containers', 'list', '-a', '--json', '-f', 'container=two');
    await box.sh(`ln -sf config.json ${CONTAINERS}/two/config.json`);
    const looping = await box.atomic('containers', 'list', '-a', '--json', '-f', 'container=two');
    await box.sh(`cp --remove-destination /run/config.json ${CONTAINERS}/two/`);

    expect(JSON.parse(empty.stdout)).toMatchObject([{ id: 'two', command: '' }]);
    expect(JSON.parse(broken.stdout)).toMatchObject([{ id: 'two', command: '' }]);
    expect(JSON.parse(looping.stdout)).toMatchObject([{ id: 'two', command: '' }]);
    expect(broken.stderr).toContain("Container 'two': Invalid json in configuration file");
    expect(looping.stderr).toContain("Container 'two': ELOOP");
  });

  it('without their folder are not listed, and can be uninstalled', async () => {
    await box.sh(`ln -s ${CONTAINERS}/nowhere ${CONTAINERS}/dangling`);
    const listed = await box.atomic('containers', 'list', '-aq');
    const removed = await box.atomic('uninstall', 'dangling');

    expect(listed.stdout).toBe('one\ntwo\n');
    expect(removed.exitCode).toBe(0);
    expect((await box.sh(`ls -A ${CONTAINERS}`)).stdout).toBe('.storage\none\none.0\ntwo\ntwo.0\n');
  });
});

describe('images list', () => {
  it.each([
    [['-f', 'repo=hello'], 1],
    [['-f', 'REPO=HELLO', '-f', 'type=ostree'], 1],
    [['-f', 'tag=1.0'], 0],
    [['-f', 'is_dangling=true'], 0],
  ])('filters with %j', async (filters, count) => {
    const { stdout } = await box.atomic('images', 'list', '--noheading', ...filters);

    expect(stdout.split('\n').filter(Boolean)).toHaveLength(count);
  });

  it('has all fields of the Python tool in its JSON, in its order', async () => {
    const [row] = JSON.parse((await box.atomic('images', 'list', '--json')).stdout);

    expect(Object.keys(row)).toEqual(
      'repo tag is_dangling used vulnerable id type created virtual_size backend vuln_info'.split(' '),
    );
    expect(row).toMatchObject({ tag: 'latest', used: true, type: 'image', backend: 'ostree', vuln_info: {} });
  });

  it('shows the layers with --all', async () => {
    const all = await box.atomic('images', 'list', '--all');

    expect(all.stdout).toContain('<none>');
    expect(all.stdout.split('\n').length).toBeGreaterThan(
      (await box.atomic('images', 'list')).stdout.split('\n').length,
    );
  });

  it('shows what the scanner found', async () => {
    const id = (await box.atomic('images', 'list', '-q', '--no-trunc')).stdout.trim();
    await box.sh(
      `mkdir -p /var/lib/atomic; echo '{"${id}":{"Vulnerable":true}}' > /var/lib/atomic/scan_summary.json`,
    );
    const [images, containers] = [
      await box.atomic('images', 'list'),
      await box.atomic('containers', 'list', '-a'),
    ];
    await box.sh('rm /var/lib/atomic/scan_summary.json');

    expect(images.stdout).toContain('>\u2620');
    expect(containers.stdout.split('\n')[1]).toMatch(/^\u2620/);
  });
});
