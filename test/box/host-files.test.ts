import { afterEach, describe, expect, it } from 'vitest';
import { FIRST, hostFilesIn } from '../support/host-files.ts';
import { publish } from '../support/publish.ts';
import { CONTAINERS, tracesIn, uninstallAll, useBox } from '../support/test-box.ts';

const box = useBox();
const IMAGE = 'with-files';

const onHost = async () => await hostFilesIn(box);
const info = async () => JSON.parse(await box.file(`${CONTAINERS}/tool/info`));

const install = async (fixture = 'host-files', ...options: readonly string[]) => {
  await publish(fixture, IMAGE);
  await box.atomic('pull', box.image(IMAGE));
  return await box.atomic('install', '--system', '--name=tool', ...options, box.image(IMAGE));
};
const update = async (fixture: string, ...options: readonly string[]) => {
  await publish(fixture, IMAGE);
  await box.atomic('pull', box.image(IMAGE));
  return await box.atomic('containers', 'update', ...options, 'tool');
};

afterEach(async () => {
  await uninstallAll(box);
  expect(await tracesIn(box)).toBe('');
  expect(await onHost()).toEqual([]);
});

describe('files for the host', () => {
  it('are put there as the image has them, and taken away again', async () => {
    const installed = await install('host-files', '--set=RECEIVER=Jerry');

    expect(installed).toMatchObject({ exitCode: 0, stderr: '' });
    expect(installed.stdout).toContain('\nCreated file /usr/local/bin/renamed-tool\n');
    expect(await onHost()).toEqual(FIRST);
    expect(await box.file('/etc/atomic-test.conf')).toBe('receiver=Jerry\n');
    expect(await box.file('/usr/local/bin/renamed-tool')).toBe('#!/bin/sh\necho tool 1\n');
    expect(await box.file('/opt/atomic-test/moved/one')).toBe('$NAME is not filled in here\n');
    expect((await box.sh('stat -c %h /opt/atomic-test/owned')).stdout).toBe('1\n');
  });

  it('are recorded with their checksums', async () => {
    await install();
    const record = await info();
    const sum = (await box.sh('sha256sum /etc/atomic-test.conf')).stdout.slice(0, 64);

    expect(record['installed-files']).toEqual(
      FIRST.map((line) => line.split(' ')[0]).filter(
        (path) => !['/opt/atomic-test', '/opt/atomic-test/moved'].includes(path ?? ''),
      ),
    );
    expect(record['installed-files-checksum']).toMatchObject({
      '/etc/atomic-test.conf': sum,
      '/opt/atomic-test/empty': '0',
      '/opt/atomic-test/broken': '0',
    });
    expect(record).toMatchObject({
      'rename-installed-files': { '/usr/local/bin/tool': '/usr/local/bin/renamed-tool' },
      'installed-files-template': ['/etc/atomic-test.conf', '/usr/local/bin/renamed-tool'],
      'use-links': true,
      'system-package': 'no',
    });
  });

  it('are those of the deployment after an update and after a rollback', async () => {
    await install();

    const updated = await update('host-files-2', '--set=RECEIVER=x');

    expect(updated).toMatchObject({ exitCode: 0, stderr: '' });
    const second = [
      '/etc/atomic-test.conf f 644 0:0',
      '/opt/atomic-test d 755 0:0',
      '/opt/atomic-test/added f 644 0:0',
      '/usr/local/bin/renamed-tool f 755 0:0',
    ];
    expect(await onHost()).toEqual(second);
    expect(await box.file('/etc/atomic-test.conf')).toBe('receiver=x\nversion=2\n');
    await box.atomic('containers', 'rollback', 'tool');
    expect(await onHost()).toEqual(FIRST);
    expect(await box.file('/etc/atomic-test.conf')).toBe('receiver=World\n');
    await box.atomic('containers', 'rollback', 'tool');
    expect(await onHost()).toEqual(second);
    expect((await box.atomic('uninstall', 'tool')).stdout).not.toContain('Will not delete');
  });

  it('stay when the administrator has changed them', async () => {
    await install();
    await box.sh('echo mine > /etc/atomic-test.conf; ln -sfn /usr /opt/atomic-test/to-folder');

    const updated = await update('host-files-2');

    expect(updated).toMatchObject({ exitCode: 0, stderr: '' });
    expect(updated.stdout).toContain('Will not delete /etc/atomic-test.conf as it was manually modified.\n');
    expect(updated.stdout).toContain(
      'Will not delete /opt/atomic-test/to-folder as it was manually modified.\n',
    );
    expect(await box.file('/etc/atomic-test.conf')).toBe('mine\n');
    await box.atomic('containers', 'rollback', 'tool');
    expect(await box.file('/etc/atomic-test.conf')).toBe('mine\n');
    await box.atomic('uninstall', 'tool');
    expect(await box.file('/etc/atomic-test.conf')).toBe('mine\n');
    await box.sh('rm -r /etc/atomic-test.conf /opt/atomic-test');
  });

  it('never take the place of what is there', async () => {
    await box.sh(
      'echo theirs > /etc/atomic-test.conf; mkdir -p /opt/atomic-test/empty; touch /opt/atomic-test/empty/x',
    );

    const installed = await install();

    expect(installed).toMatchObject({ exitCode: 0 });
    expect(installed.stdout).toContain('File /etc/atomic-test.conf already exists\n');
    expect(await box.file('/etc/atomic-test.conf')).toBe('theirs\n');
    await box.atomic('uninstall', 'tool');
    expect(await onHost()).toEqual([
      '/etc/atomic-test.conf f 644 0:0',
      '/opt/atomic-test d 755 0:0',
      '/opt/atomic-test/empty d 755 0:0',
      '/opt/atomic-test/empty/x f 644 0:0',
    ]);
    await box.sh('rm -r /etc/atomic-test.conf /opt/atomic-test');
  });

  it('of two containers are shared when they are the same, and go with the last of them', async () => {
    await install();

    const second = await box.atomic('install', '--system', '--name=second', box.image(IMAGE));

    expect(second).toMatchObject({ exitCode: 0, stderr: '' });
    const tool = '/usr/local/bin/renamed-tool';
    expect(second.stdout).not.toContain('Created file');
    expect(second.stdout).toContain(`File ${tool} already exists\n${tool} belongs to the container 'tool'\n`);
    await box.atomic('uninstall', 'tool');
    expect(await onHost()).toEqual(FIRST.filter((line) => !line.startsWith(tool)));
    await box.atomic('uninstall', 'second');
  });

  it('of an update stay as another container has them, which is said', async () => {
    await install();
    await box.atomic('install', '--system', '--name=other', box.image('hello-world'));
    await box.atomic('run', 'other');

    const updated = await box.atomic(
      'containers',
      'update',
      `--rebase=${box.image('host-files-2')}`,
      'other',
    );

    expect(updated).toMatchObject({ exitCode: 0, stderr: '' });
    expect(updated.stdout).toContain(
      "File /etc/atomic-test.conf already exists\n/etc/atomic-test.conf belongs to the container 'tool'\n",
    );
    expect((await box.sh('systemctl is-active other')).stdout).toBe('active\n');
    await box.atomic('uninstall', 'other');
    expect(await onHost()).toEqual(FIRST);
  });

  it('need values, which are asked for before anything is touched', async () => {
    await install();

    const failed = await update('host-files-2', '--set=TOOL=relative');

    expect(failed).toMatchObject({ exitCode: 1 });
    expect(failed.stderr).toContain("renameFiles: 'relative' is not a path");
    expect(await onHost()).toEqual(FIRST);
  });

  it.each([
    { what: 'a folder that is a link', prepare: 'mkdir /opt/real && ln -s /opt/real /opt/atomic-test' },
    { what: 'a folder that is a file', prepare: 'touch /opt/atomic-test' },
  ])('do not follow $what', async ({ prepare }) => {
    await box.sh(prepare);

    const refused = await install();

    expect(refused).toMatchObject({ exitCode: 1 });
    expect(refused.stderr).toMatch(
      /^cannot put \/opt\/atomic-test\/\S+ on the host: \/opt\/atomic-test is (a symbolic link|not a directory)\n$/,
    );
    expect((await box.sh('ls /opt/real 2>/dev/null')).stdout).toBe('');
    await box.sh('rm -rf /opt/real /opt/atomic-test');
  });

  it('cannot be led out of their place by a value', async () => {
    const refused = await install('host-files', '--set=TOOL=/usr/local/bin/../../../etc/cron.d/x');

    expect(refused).toMatchObject({ exitCode: 1 });
    expect(refused.stderr).toContain('is not a path');
  });
});

describe('a container of the Python tool', () => {
  it('gets its host files back by a rollback, though it has them only in its image', async () => {
    await install('host-files', '--set=RECEIVER=Jerry');
    await update('host-files-2');
    await box.sh(
      `cd ${CONTAINERS}/tool.0 && rm -r hostfs && jq 'del(."set-values", ."installed-files-links", ."created-folders")' info > new && mv new info`,
    );

    expect(await box.atomic('containers', 'rollback', 'tool')).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await onHost()).toEqual(FIRST);
    expect(await box.file('/etc/atomic-test.conf')).toBe('receiver=Jerry\n');
    await box.atomic('uninstall', 'tool');
    await box.sh('rmdir /opt/atomic-test/moved /opt/atomic-test');
  });
});

describe('noContainerService', () => {
  it('installs files only, and lists no service', async () => {
    const installed = await install('no-service');

    expect(installed).toMatchObject({ exitCode: 0, stderr: '' });
    expect(installed.stdout).toBe(
      [
        `Extracting to ${CONTAINERS}/tool.0`,
        'Created file /usr/local/bin/atomic-test-tool',
        'systemd-tmpfiles --create /etc/tmpfiles.d/tool.conf',
        '',
      ].join('\n'),
    );
    expect((await box.sh('atomic-test-tool')).stdout).toBe('from a container without a service\n');
    expect((await box.sh(`ls ${CONTAINERS}/tool`)).stdout).not.toContain('rootfs');
    expect((await box.sh('ls /etc/systemd/system/tool.service')).exitCode).not.toBe(0);
    expect(JSON.parse((await box.atomic('containers', 'list', '--json')).stdout)).toMatchObject([
      { id: 'tool', state: 'no service', running: true },
    ]);
  });

  it('is updated to an image with a service, and back', async () => {
    await install('no-service');

    expect(await update('hello-world')).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await onHost()).toEqual([]);
    expect((await box.sh('ls /etc/systemd/system/tool.service')).exitCode).toBe(0);
    expect(await box.atomic('containers', 'rollback', 'tool')).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await onHost()).toEqual(['/usr/local/bin/atomic-test-tool f 755 0:0']);
    expect((await box.sh('ls /etc/systemd/system/tool.service')).exitCode).not.toBe(0);
  });

  it('ends the service of the deployment before it', async () => {
    await install('hello-world');
    await box.atomic('run', 'tool');

    expect(await update('no-service')).toMatchObject({ exitCode: 0, stderr: '' });
    expect((await box.sh('systemctl is-active tool; runc list -q')).stdout).toBe('inactive\n');
    expect(await box.atomic('containers', 'rollback', 'tool')).toMatchObject({ exitCode: 0, stderr: '' });
    expect((await box.atomic('run', 'tool')).exitCode).toBe(0);
  });

  it('has no service to start', async () => {
    await install('no-service');

    expect(await box.atomic('run', 'tool')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/^cannot start 'tool': it has no service; /),
    });
  });
});
