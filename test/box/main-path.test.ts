import { describe, expect, it } from 'vitest';
import { useStory } from '../support/story.ts';
import { eventually, tracesIn, useBox } from '../support/test-box.ts';

const box = useBox();
useStory();
const HELLO = '/var/lib/containers/atomic/hello';

describe('the main path', () => {
  it('pulls an image and lists it', async () => {
    const pulled = await box.atomic('pull', '--storage', 'ostree', box.image('hello-world'));
    const listed = await box.atomic('images', 'list');

    expect(pulled).toMatchObject({ exitCode: 0, stderr: '' });
    expect(listed.stdout.split('\n')[1]).toMatch(
      /^ {3}127\.0\.0\.1:\d+\/hello-world {3}latest {3}[0-9a-f]{12} {3}/,
    );
  });

  it('pulls it again without fetching a layer', async () => {
    const before = await box.atomic('images', 'list', '--all', '--no-trunc');

    const again = await box.atomic('pull', '--storage=ostree', box.image('hello-world'));

    expect(again).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    expect((await box.atomic('images', 'list', '--all', '--no-trunc')).stdout).toBe(before.stdout);
  });

  it('installs a container, enabled and not started', async () => {
    const image = box.image('hello-world');

    const installed = await box.atomic('install', '--system', '--name=hello', '--set=RECEIVER=Jerry', image);

    expect(installed).toEqual({
      exitCode: 0,
      stderr: '',
      stdout: [
        `Extracting to ${HELLO}.0`,
        'systemd-tmpfiles --create /etc/tmpfiles.d/hello.conf',
        'systemctl enable hello',
        '',
      ].join('\n'),
    });
    expect((await box.sh('systemctl is-enabled hello; systemctl is-active hello')).stdout).toBe(
      'enabled\ninactive\n',
    );
    expect((await box.sh('test -d /run/hello && readlink /var/lib/containers/atomic/hello')).stdout).toBe(
      `${HELLO}.0\n`,
    );
  });

  it('keeps copies of what it installed in the deployment', async () => {
    const folder = await box.sh(`ls -A ${HELLO}.0`);
    const copies = await box.sh(
      `cmp ${HELLO}.0/hello.service /etc/systemd/system/hello.service && cmp ${HELLO}.0/tmpfiles-hello.conf /etc/tmpfiles.d/hello.conf`,
    );

    expect(folder.stdout.split('\n').filter(Boolean).sort()).toEqual(
      ['config.json', 'hello.service', 'info', 'rootfs', 'tmpfiles-hello.conf'].sort(),
    );
    expect(copies).toMatchObject({ exitCode: 0 });
  });

  it('records values, image and runtime in info, readable by root only', async () => {
    const info = JSON.parse(await box.file(`${HELLO}.0/info`));

    expect(info).toMatchObject({
      image: box.image('hello-world'),
      'has-container-service': true,
      'installed-files': [],
      remote: null,
      values: { RECEIVER: 'Jerry', PORT: '8081', NAME: 'hello', DESTDIR: `${HELLO}.0`, HOST_UID: 0 },
    });
    expect(info.revision).toMatch(/^[0-9a-f]{64}$/);
    expect((await box.sh(`stat -c %a ${HELLO}.0/info`)).stdout).toBe('600\n');
  });

  it('runs it: the service answers', async () => {
    const started = await box.atomic('run', 'hello');
    const answer = await eventually(box, 'curl -sf localhost:8081');

    expect(started).toEqual({ exitCode: 0, stderr: '', stdout: 'systemctl start hello\n' });
    expect(answer.stdout).toBe('Hi Jerry\n');
  });

  it('lists it as running, and its image as used', async () => {
    const listed = await box.atomic('containers', 'list');
    const images = await box.atomic('images', 'list', '--noheading');

    expect(listed.stdout).toMatch(
      /^ {3}CONTAINER ID IMAGE {16}NAME {7}COMMAND {4}CREATED {10}STATE {6}BACKEND {4}RUNTIME {3}\n {3}hello {8}127\.0\.0\.1:\d+\/hel\w* hello {6}\/usr\/bin\/r \d{4}-\d\d-\d\d \d\d:\d\d running {4}ostree {5}\/usr\/s?bin/,
    );
    expect(images.stdout).toMatch(/^> /);
  });

  it('finds it by the filter of old guides', async () => {
    const found = await box.atomic('containers', 'list', '-a', '--no-trunc', '-f', 'runtime=ostree', '-q');
    const none = await box.atomic('containers', 'list', '--json', '-f', 'container=idonotexist');

    expect(found.stdout).toBe('hello\n');
    expect(none.stdout).toBe('[]\n');
  });

  it('has the container under its own name in the runtime', async () => {
    expect((await box.sh('runc list --quiet')).stdout).toBe('hello\n');
  });

  it('answers a second install with "already present"', async () => {
    const before = await tracesIn(box);

    const again = await box.atomic('install', '--system', '--name=hello', box.image('hello-world'));

    expect(again).toEqual({ exitCode: 0, stderr: '', stdout: 'hello already present\n' });
    expect(await tracesIn(box)).toBe(before);
  });

  it('shows and does not do with --display', async () => {
    const stop = await box.atomic('stop', '--display', 'hello');
    const uninstall = await box.atomic('uninstall', '--display', 'hello');

    expect(stop.stdout).toBe('systemctl stop hello\n');
    expect(uninstall.stdout).toContain('systemctl disable --now hello\n');
    expect(await box.isActive('hello')).toBe(true);
  });

  it('stops it', async () => {
    const stopped = await box.atomic('stop', 'hello');

    expect(stopped).toEqual({ exitCode: 0, stderr: '', stdout: 'systemctl stop hello\n' });
    expect((await box.sh('systemctl is-active hello; runc list -q')).stdout).toBe('inactive\n');
    expect((await box.atomic('containers', 'list')).stdout).toBe('');
    expect((await box.atomic('containers', 'list', '-a')).stdout).toContain(' inactive ');
  });

  it('uninstalls it without a trace', async () => {
    const removed = await box.atomic('uninstall', 'hello');

    expect(removed).toEqual({
      exitCode: 0,
      stderr: '',
      stdout: [
        'systemctl disable --now hello',
        'systemctl daemon-reload',
        'systemd-tmpfiles --remove /etc/tmpfiles.d/hello.conf',
        '',
      ].join('\n'),
    });
    expect(await tracesIn(box)).toBe('');
    expect((await box.sh('ls /etc/systemd/system/multi-user.target.wants | grep hello')).stdout).toBe('');
    expect((await box.atomic('uninstall', 'hello')).exitCode).toBe(1);
  });

  it('leaves a repository that ostree finds sound', async () => {
    const checked = await box.sh('ostree fsck --repo=/var/lib/containers/atomic/.storage/ostree');

    expect(checked).toMatchObject({ exitCode: 0 });
  });
});
