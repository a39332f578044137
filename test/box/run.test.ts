import { afterEach, describe, expect, it } from 'vitest';
import { CONTAINERS, eventually, tracesIn, uninstallAll, useBox } from '../support/test-box.ts';

const box = useBox();

/** What a run could leave behind besides what containers do. */
const RUN_TRACES =
  'findmnt -rno TARGET | grep containers/atomic; ls -A /run/atomic 2>/dev/null | grep -vx locks; ls -A /run/runc 2>/dev/null; ls -d /run/run-once /run/hello-world 2>/dev/null';

afterEach(async () => {
  await uninstallAll(box);
  expect(await tracesIn(box)).toBe('');
  expect((await box.sh(RUN_TRACES)).stdout).toBe('');
});

const install = async () =>
  await box.atomic('install', '--system', '--name=c', '--set=RECEIVER=Jerry', box.image('hello-world'));

describe('run NAME COMMAND', () => {
  it('runs in the container while that is up', async () => {
    await install();
    await box.atomic('run', 'c');
    await eventually(box, 'curl -sf localhost:8081');

    const ran = await box.atomic('run', 'c', 'sh', '-c', 'echo "$RECEIVER"; exit 5');

    expect(ran).toEqual({ stdout: 'Jerry\n', stderr: '', exitCode: 5 });
    expect(await box.sh('ls -d /run/c && rmdir /run/c')).toMatchObject({ exitCode: 0 });
  });

  it('runs in a container of its own when that is not', async () => {
    await install();

    const ran = await box.atomic('run', 'c', 'sh', '-c', 'echo "$RECEIVER"; echo $$; exit 4');

    expect(ran).toEqual({ stdout: 'Jerry\n1\n', stderr: '', exitCode: 4 });
    await box.sh('rmdir /run/c');
  });

  it('runs twice at once, beside a service that starts', async () => {
    await install();

    const both = await box.sh(
      'for i in 1 2; do atomic run c sh -c "sleep 1; echo done" & done; atomic run c; wait; systemctl is-active c',
    );

    expect(both.stderr).toBe('');
    expect(both.stdout.match(/done/g)).toHaveLength(2);
    expect(both.stdout).toContain('\nactive\n');
    await box.sh('atomic stop c; rmdir /run/c');
  });

  it('passes options of the command on', async () => {
    await install();

    expect((await box.atomic('run', 'c', 'sh', '-c', 'echo $# "$@"', 'x', '--set', '-n')).stdout).toBe(
      '2 --set -n\n',
    );
    await box.sh('rmdir /run/c');
  });

  it('does not detach from a container that is not up', async () => {
    await install();

    expect(await box.atomic('run', '--detach', 'c', 'true')).toEqual({
      stdout: '',
      stderr: 'Cannot use --detach with not running containers\n',
      exitCode: 1,
    });
    await box.sh('rmdir /run/c');
  });

  it('detaches from one that is', async () => {
    await install();
    await box.atomic('run', 'c');
    await eventually(box, 'curl -sf localhost:8081');

    expect((await box.atomic('run', '-d', 'c', 'sh', '-c', 'echo x > /tmp/detached')).exitCode).toBe(0);
    expect((await eventually(box, 'runc exec c sh -c "read x < /tmp/detached"')).exitCode).toBe(0);
    // a script that reads what the command prints does not wait for what goes on
    expect(
      await box.type('timeout 10 sh -c \'said=$(atomic run -d c sleep 1000 2>&1); echo "$?$said"\''),
    ).toBe('0\n');
    expect(await box.atomic('run', '-d', 'c', 'no-such-program')).toMatchObject({
      exitCode: 255,
      stdout: '',
      stderr: expect.stringContaining('no-such-program'),
    });
    await box.sh('atomic stop c; rmdir /run/c');
  });

  it('gets a terminal from a terminal', async () => {
    await install();

    const ran = await box.sh(`script -qec "atomic run c sh -c 'test -t 0 && echo terminal'" /dev/null`);

    expect(ran).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('terminal\r\n') });
    await box.sh('rmdir /run/c');
  });

  it('leaves nothing behind when it is killed', async () => {
    await install();

    await box.sh('timeout --signal=KILL 2 atomic run c sleep 60');

    await eventually(box, '! pgrep -x sleep && ! ls -A /run/atomic | grep run');
    await box.sh('rmdir /run/c');
  });

  it('knows no container that is not there', async () => {
    expect(await box.atomic('run', 'nobody', 'true')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/^The container 'nobody' doesn't exist/),
    });
  });
});

describe('run IMAGE COMMAND', () => {
  it('pulls the image, runs it once, and forgets what it wrote', async () => {
    const line = 'echo "$RECEIVER" > /usr/written; read line < /usr/written; echo "$line"; exit 6';
    const ran = await box.atomic('run', '--set=RECEIVER=Once', box.image('run-once'), 'sh', '-c', line);

    expect(ran).toMatchObject({ stdout: expect.stringMatching(/Once\n$/), exitCode: 6 });
    const files = `ls ${CONTAINERS}/.storage/ostree/objects | wc -l; grep -rs Once ${CONTAINERS} --include=file -l`;
    expect((await box.sh(`ostree --repo=${CONTAINERS}/.storage/ostree fsck`)).exitCode).toBe(0);
    expect((await box.sh(files)).stdout).toMatch(/^\d+\n$/);
    await box.sh('rmdir /run/run-once-*');
  });

  it('needs a command', async () => {
    const refused = await box.atomic('run', box.image('hello-world'));

    expect(refused).toMatchObject({ stdout: '', exitCode: 1 });
    expect(refused.stderr).toContain("doesn't exist; for the image, use 'atomic install --system");
  });

  it('ends with the signal that it gets, and leaves nothing behind', async () => {
    const line = `timeout --signal=TERM 2 atomic run ${box.image('hello-world')} sleep 60; echo $?; rmdir /run/run-once-*`;

    expect((await box.sh(line)).stdout).toMatch(/124\n$/);
  });

  it('leaves nothing behind when it is killed', async () => {
    await box.sh(`timeout --signal=KILL 2 atomic run ${box.image('hello-world')} sleep 60`);
    await eventually(box, `! pgrep -x sleep && ! ls -A ${CONTAINERS} | grep run-once`);

    await box.sh('rmdir /run/run-once-*');
    expect((await box.sh('pgrep -x sleep')).stdout).toBe('');
  });
});

describe('an image that wants to be run once', () => {
  it('is run by install, and not installed', async () => {
    const ran = await box.atomic('install', '--system', '--set=RECEIVER=Venus', box.image('run-once'));

    expect(ran).toMatchObject({ exitCode: 7, stderr: '' });
    expect(ran.stdout).toMatch(/HI Venus from Saturn\n$/);
    expect((await box.atomic('containers', 'list', '-aq')).stdout).toBe('');
  });

  it('is not run by --display', async () => {
    const shown = await box.atomic('install', '--system', '--display', box.image('run-once'));

    expect(shown.exitCode).toBe(0);
    expect(shown.stdout).not.toContain('HI');
  });
});
