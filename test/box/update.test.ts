import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { LAYOUTS } from '../support/build-images.ts';
import { publish } from '../support/publish.ts';
import { CONTAINERS, eventually, tracesIn, uninstallAll, useBox } from '../support/test-box.ts';

const box = useBox();
const IMAGE = 'moving';

/** Installs the container, inactive, from an image that the registry has in a newer version later. */
const setUp = async () => {
  await publish('hello-world', IMAGE);
  await box.atomic('pull', box.image(IMAGE));
  await box.atomic('install', '--system', '--name=hello', '--set=RECEIVER=Jerry', box.image(IMAGE));
};
const cleanUp = async () => {
  await uninstallAll(box);
  expect(await tracesIn(box)).toBe('');
};
/** For tests that leave the container as it was. */
const installForAll = () => {
  beforeAll(setUp);
  afterAll(cleanUp);
};
const installForEach = () => {
  beforeEach(setUp);
  afterEach(cleanUp);
};

const update = async (...options: readonly string[]) =>
  await box.atomic('containers', 'update', ...options, 'hello');
const newer = async (fixture: string) => {
  await publish(fixture, IMAGE);
  await box.atomic('pull', box.image(IMAGE));
};
const active = async () => (await box.sh(`readlink ${CONTAINERS}/hello`)).stdout.trim();
const info = async (name = 'hello') => JSON.parse(await box.file(`${CONTAINERS}/${name}/info`));
const greeting = async () => (await eventually(box, 'curl -sf localhost:8081')).stdout;

describe('a container that is up to date', () => {
  installForAll();

  it('has nothing to be updated when neither the image nor a value is new', async () => {
    const nothing = { stdout: 'Latest version already installed.\n', stderr: '', exitCode: 0 };

    expect(await update()).toEqual(nothing);
    expect(await update('--set=RECEIVER=Jerry')).toEqual(nothing);
    expect(await update(`--rebase=${box.image(IMAGE)}`)).toEqual(nothing);
    expect((await box.sh(`ls ${CONTAINERS}`)).stdout).toBe('hello\nhello.0\n');
  });

  it.each([
    { what: 'no container', argv: [], message: 'Too few arguments.  Please specify the container' },
    { what: 'an unknown one', argv: ['nobody'], message: "System container 'nobody' is not installed" },
    {
      what: '--all and a name',
      argv: ['--all', 'hello'],
      message: "Incompatible options specified.  --all doesn't support a container name",
    },
    {
      what: '--all and a value',
      argv: ['--all', '--set=A=B'],
      message: "Incompatible options specified.  --all doesn't support --set or --rebase",
    },
  ])('refuses $what', async ({ argv, message }) => {
    const refused = await box.atomic('containers', 'update', ...argv);

    expect(refused).toMatchObject({ stdout: '', exitCode: 1 });
    expect(refused.stderr.startsWith(message)).toBe(true);
  });

  it('is not rolled back without another deployment', async () => {
    expect(await box.atomic('containers', 'rollback', 'hello')).toMatchObject({
      exitCode: 1,
      stderr: `Error: Cannot find a previous deployment to rollback located at ${CONTAINERS}/hello.1\n`,
    });
  });

  it('update is for a container when there is one of that name, and else for an image', async () => {
    expect(await box.atomic('update', 'hello')).toMatchObject({
      stdout: 'Latest version already installed.\n',
      exitCode: 0,
    });
    expect((await box.atomic('update', box.image(IMAGE))).exitCode).toBe(0);
    expect(await box.atomic('update', 'nothing')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('nothing not found locally.  Unable to update'),
    });
  });

  it('does not ask the registry', async () => {
    await publish('hello-world-2', IMAGE);

    expect((await update()).stdout).toBe('Latest version already installed.\n');
  });
});

describe('containers update', () => {
  installForEach();

  it('goes to the other slot with a newer image, and keeps values, UUID and runtime', async () => {
    const before = await info();
    await newer('hello-world-2');

    const updated = await update();

    expect(updated).toEqual({
      stdout: [
        `Extracting to ${CONTAINERS}/hello.1`,
        'systemd-tmpfiles --remove /etc/tmpfiles.d/hello.conf',
        'systemctl daemon-reload',
        'systemd-tmpfiles --create /etc/tmpfiles.d/hello.conf',
        '',
      ].join('\n'),
      stderr: '',
      exitCode: 0,
    });
    expect(await active()).toBe(`${CONTAINERS}/hello.1`);
    const after = await info();
    expect(after.revision).not.toBe(before.revision);
    expect(after.values).toMatchObject({ RECEIVER: 'Jerry', PORT: '8081', UUID: before.values.UUID });
    expect(after.runtime).toBe(before.runtime);
    expect(await box.file(`${CONTAINERS}/hello/rootfs/usr/share/generation`)).toBe('2\n');
    expect(await box.file('/etc/systemd/system/hello.service')).toContain('hello.1');
    expect(await box.isActive('hello')).toBe(false);
  });

  it('restarts a service that runs, and no other', async () => {
    await box.atomic('run', 'hello');
    expect(await greeting()).toBe('Hi Jerry\n');

    const updated = await box.atomic('containers', 'update', '--set=RECEIVER=foo', '--container', 'hello');

    expect(updated).toMatchObject({ stderr: '', exitCode: 0 });
    expect(updated.stdout).toMatch(/\nsystemctl stop hello\n.*\nsystemctl start hello\n$/s);
    expect(await greeting()).toBe('Hi foo\n');
    expect((await info()).values).toMatchObject({ RECEIVER: 'foo', PORT: '8081' });
  });

  it('starts nothing again that somebody has stopped during the checkout', async () => {
    await box.atomic('run', 'hello');
    const script =
      '#!/bin/sh\ncase "$*" in *checkout*) touch /run/begun; until [ -e /run/go ]; do sleep 0.1; done;; esac\nexec /usr/bin/ostree "$@"\n';
    await box.sh('cat > /usr/local/bin/ostree; chmod +x /usr/local/bin/ostree', { input: script });
    const updating = update('--set=RECEIVER=x');
    await box.type('until [ -e /run/begun ]; do sleep 0.1; done; systemctl stop hello; touch /run/go');

    expect(await updating).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await box.isActive('hello')).toBe(false);
    await box.type('rm /usr/local/bin/ostree /run/begun /run/go');
  });

  it('takes new defaults of a newer image, except for what was set', async () => {
    await box.atomic('uninstall', 'hello');
    await box.atomic('install', '--system', '--name=hello', '--set=PORT=8081', box.image(IMAGE));
    await newer('hello-world-3');

    await update();

    expect((await info()).values).toMatchObject({ PORT: '8081', RECEIVER: 'Everybody' });
  });

  it('brings nothing back of a generation that is gone', async () => {
    await newer('hello-world-2');
    await update();
    await newer('hello-world-3');
    await update();
    await update('--set=RECEIVER=again');

    expect(await active()).toBe(`${CONTAINERS}/hello.1`);
    expect((await box.sh(`ls ${CONTAINERS}/hello.*/rootfs/usr/share`)).stdout).not.toContain('generation');
  });

  it('goes over to another image, which is pulled', async () => {
    const rebased = await update(`--rebase=${box.image('hello-world-3')}`, '--set=RECEIVER=x');

    expect(rebased).toMatchObject({ stderr: '', exitCode: 0 });
    expect((await info()).image).toBe(box.image('hello-world-3'));
    await box.atomic('containers', 'rollback', 'hello');
    expect(await info()).toMatchObject({ image: box.image(IMAGE), values: { RECEIVER: 'Jerry' } });
  });

  it('goes over to an image of any source', async () => {
    const rebased = await update(`--rebase=oci:${LAYOUTS}/hello-world-2:latest`);

    expect(rebased).toMatchObject({ stderr: '', exitCode: 0 });
    expect((await info()).image).toBe('hello-world-2:latest');
    expect(await update()).toMatchObject({ stdout: 'Latest version already installed.\n', exitCode: 0 });
  });

  it('changes nothing when the new deployment lacks a value', async () => {
    await box.atomic('run', 'hello');
    const since = (await box.sh('systemctl show -P ActiveEnterTimestampMonotonic hello')).stdout;

    const failed = await update(`--rebase=${box.image('needs-value')}`);

    expect(failed.exitCode).toBe(1);
    expect(failed.stderr).toContain("unreplaced value for: ''VAR_WITH_NO_DEFAULT''");
    expect(await active()).toBe(`${CONTAINERS}/hello.0`);
    expect((await box.sh(`ls -A ${CONTAINERS}`)).stdout).toBe('.storage\nhello\nhello.0\n');
    expect((await box.sh('systemctl show -P ActiveEnterTimestampMonotonic hello')).stdout).toBe(since);
    expect(
      (await update(`--rebase=${box.image('needs-value')}`, '--set=VAR_WITH_NO_DEFAULT=x')).exitCode,
    ).toBe(0);
  });

  it('says that the image is gone', async () => {
    await box.sh(`rm ${CONTAINERS}/.storage/ostree/refs/heads/ociimage/*moving*`);

    expect(await update()).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/^Image .*not found/),
    });
  });
});

describe('a container of the Python tool', () => {
  installForEach();

  const recorded = `jq 'del(."set-values", ."installed-files-links", ."created-folders", .remote)'`;

  it('keeps what its owner has set, and nothing that was a default', async () => {
    await box.sh(`cd ${CONTAINERS}/hello.0 && ${recorded} info > new && mv new info`);
    await newer('hello-world-3');

    expect(await update()).toMatchObject({ exitCode: 0, stderr: '' });
    expect((await info()).values).toMatchObject({ RECEIVER: 'Jerry', PORT: '8081' });
    expect(await info()).toMatchObject({ 'set-values': ['RECEIVER'] });
  });

  it('is updated when its record has no more than the essentials', async () => {
    await box.sh(`cd ${CONTAINERS}/hello.0 && jq '{image, values}' info > new && mv new info`);

    expect(await update('--set=RECEIVER=x')).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await box.atomic('rollback', 'hello')).toMatchObject({ exitCode: 0, stderr: '' });
  });
});

describe('--display', () => {
  installForEach();

  installForEach();

  it('of an update and a rollback shows the commands, and changes nothing', async () => {
    await box.atomic('run', 'hello');
    const state = `ls -A ${CONTAINERS}; readlink ${CONTAINERS}/hello; systemctl show -P ExecMainPID hello; ls -la /etc/systemd/system`;
    const before = await box.type(state);

    const shown = await update('--display', '--set=RECEIVER=x');
    expect(await box.type(state)).toBe(before);
    await update('--set=RECEIVER=x');
    const between = await box.type(state);
    const back = await box.atomic('containers', 'rollback', '--display', 'hello');

    expect(await box.type(state)).toBe(between);
    expect(shown).toMatchObject({ exitCode: 0, stderr: '' });
    expect(shown.stdout).toMatch(
      /\nsystemctl stop hello\n.*\nsystemctl daemon-reload\n.*\nsystemctl start hello\n$/s,
    );
    expect(back.stdout).toMatch(
      /\nsystemctl stop hello\n.*\nsystemctl daemon-reload\n.*\nsystemctl start hello\n$/s,
    );
    expect(await update('--display')).toMatchObject({ stdout: 'Latest version already installed.\n' });
  });
});

describe('containers rollback', () => {
  installForEach();

  it('goes back, and, typed again, forth', async () => {
    await box.atomic('run', 'hello');
    await update('--set=RECEIVER=foo');

    const back = await box.atomic('containers', 'rollback', 'hello');

    expect(back).toMatchObject({ stderr: '', exitCode: 0 });
    expect(back.stdout.split('\n').slice(0, 3)).toEqual([
      'Attempting to roll back system container: hello',
      `Rolling back container hello to the checkout at ${CONTAINERS}/hello.0`,
      'systemctl stop hello',
    ]);
    expect(await greeting()).toBe('Hi Jerry\n');
    await box.atomic('rollback', 'hello');
    expect(await greeting()).toBe('Hi foo\n');
    expect(await active()).toBe(`${CONTAINERS}/hello.1`);
  });

  it('needs the unit of the other deployment', async () => {
    await update('--set=RECEIVER=foo');
    await box.sh(`rm ${CONTAINERS}/hello.0/hello.service`);

    expect((await box.atomic('containers', 'rollback', 'hello')).stderr).toBe(
      `Error: Cannot find systemd service file for previous version. The previous checkout at ${CONTAINERS}/hello.0 may be corrupted.\n`,
    );
    expect(await active()).toBe(`${CONTAINERS}/hello.1`);
  });
});

describe('a new deployment that does not start', () => {
  installForEach();

  it('makes room for the old one, which runs again', async () => {
    await box.atomic('run', 'hello');
    await newer('never-starts');

    const failed = await update();

    expect(failed.exitCode).toBe(1);
    expect(failed.stderr).toContain('hello: no answer is possible');
    expect(failed.stderr).toContain('Could not restart hello.  Attempt automatic rollback');
    expect(failed.stderr).toMatch(
      /\ncannot start 'hello' \(\w+, exit-code, exit status 3\); see 'journalctl -u hello', which ends with: no answer is possible\n$/,
    );
    expect(await active()).toBe(`${CONTAINERS}/hello.0`);
    expect(await greeting()).toBe('Hi Jerry\n');
    expect((await box.sh(`ls -A ${CONTAINERS}`)).stdout).toBe('.storage\nhello\nhello.0\n');
  });

  it('leaves the rollback target of before as it was', async () => {
    await update('--set=RECEIVER=second');
    await box.atomic('run', 'hello');
    await newer('never-starts');

    await update();
    await box.atomic('containers', 'rollback', 'hello');

    expect(await greeting()).toBe('Hi Jerry\n');
  });

  it('stays for a look with --no-rollback', async () => {
    await box.atomic('run', 'hello');
    await newer('never-starts');

    expect((await update('--no-rollback')).exitCode).toBe(1);
    expect(await active()).toBe(`${CONTAINERS}/hello.1`);
    expect(await box.atomic('rollback', 'hello')).toMatchObject({ exitCode: 0 });
    expect(await active()).toBe(`${CONTAINERS}/hello.0`);
  });
});

describe('containers update --all', () => {
  installForEach();

  it('says what became of each', async () => {
    await box.atomic('install', '--system', '--name=fails', box.image(IMAGE));
    await box.atomic('run', 'fails');
    await newer('hello-world-2');

    const updated = await box.atomic('containers', 'update', '--all');

    expect(updated).toMatchObject({ exitCode: 0, stderr: '' });
    const [summary = ''] = updated.stdout.split('SUMMARY').slice(1);
    expect(updated.stdout).toContain('Checking container hello...\n');
    expect(summary).toMatch(/\n\nContainer {7}Image ID before update/);
    expect(summary).toMatch(/\nfails +[0-9a-f]{32} [0-9a-f]{32} [0-9a-f]{32} Updated now/);
    expect(summary).toMatch(/\nhello +[0-9a-f]{32} [0-9a-f]{32} [0-9a-f]{32} Updated now/);
    expect((await box.atomic('containers', 'update', '--all')).stdout).toMatch(/hello .* Updated *\n/);
  });

  it('ends with 1 when one does not start, and updates the others', async () => {
    await box.atomic('run', 'hello');
    await box.atomic('install', '--system', '--name=other', box.image('hello-world-2'));
    await newer('never-starts');

    const updated = await box.atomic('containers', 'update', '--all');

    expect(updated.exitCode).toBe(1);
    expect(updated.stdout).toMatch(/\nhello .* Failed *\n/);
    expect(updated.stdout).toMatch(/\nother .* Updated *\n/);
    expect(await greeting()).toBe('Hi Jerry\n');
  });

  it('goes on after a system error, and prints its summary', async () => {
    await box.atomic('install', '--system', '--name=other', box.image(IMAGE));
    await newer('hello-world-2');
    const env = { ATOMIC_TEST_FAULT: 'prepare.checked-out:ENOSPC' };

    const updated = await box.run(['atomic', 'containers', 'update', '--all'], { env });

    expect(updated.exitCode).toBe(1);
    expect(updated.stderr).toBe(
      'hello: ENOSPC: a fault at prepare.checked-out\nother: ENOSPC: a fault at prepare.checked-out\n',
    );
    expect(updated.stdout).toMatch(/\nhello .* Failed *\nother .* Failed *\n$/);
  });
});
