/** The programs that call `atomic`, with their own words: what they read of it is what they expect. */
import { describe, expect, it } from 'vitest';
import { play, type Task } from '../support/ansible.ts';
import { useStory } from '../support/story.ts';
import { CONTAINERS, eventually, tracesIn, useBox } from '../support/test-box.ts';

const box = useBox();
useStory();

const playAsRoot = async (...tasks: readonly Task[]) => await play(box.sh, tasks);

const container = (parameters: Task): Task => ({
  'community.general.atomic_container': { backend: 'ostree', mode: 'system', ...parameters },
});

const image = (parameters: Task): Task => ({ 'community.general.atomic_image': parameters });

const CHANGED = { changed: true, failed: false };
const UNCHANGED = { changed: false, failed: false };

describe('Ansible', () => {
  const hello = () => ({ name: 'hello', image: box.image('hello-world'), values: ['RECEIVER=Jerry'] });
  const twin = () => ({ name: 'twin', image: box.image('hello-world'), rootfs: `${CONTAINERS}/hello` });
  const host = () => [
    image({ name: box.image('hello-world-2'), backend: 'ostree', started: false }),
    container(hello()),
    container({ ...twin(), state: 'present' }),
  ];

  it('makes a host what a playbook says, and changes nothing the second time', async () => {
    expect(await playAsRoot(...host())).toMatchObject([CHANGED, CHANGED, CHANGED]);
    const before = await tracesIn(box);

    expect(await playAsRoot(...host())).toMatchObject([UNCHANGED, UNCHANGED, UNCHANGED]);

    expect(await tracesIn(box)).toBe(before);
    expect(JSON.parse(await box.file(`${CONTAINERS}/twin/info`)).remote).toContain(`${CONTAINERS}/hello`);
  });

  it('changes the image and the values of a container, once, and takes the change back', async () => {
    const newer = { ...hello(), image: box.image('hello-world-2'), values: ['RECEIVER=Ann'] };

    expect(await playAsRoot(container(newer), container(newer))).toMatchObject([CHANGED, UNCHANGED]);
    expect(await box.file(`${CONTAINERS}/hello/info`)).toContain('"RECEIVER": "Ann"');

    expect(await playAsRoot(container({ ...hello(), state: 'rollback' }))).toMatchObject([CHANGED]);
    expect(await box.file(`${CONTAINERS}/hello/info`)).toContain('"RECEIVER": "Jerry"');
  });

  it('removes a container, once', async () => {
    const absent = [twin(), hello()].map((parameters) => container({ ...parameters, state: 'absent' }));

    expect(await playAsRoot(...absent)).toMatchObject([CHANGED, CHANGED]);
    expect(await playAsRoot(...absent)).toMatchObject([UNCHANGED, UNCHANGED]);
    expect((await box.atomic('containers', 'list', '-aq')).stdout).toBe('');
  });

  it('is told why a container cannot be had', async () => {
    const [played] = await playAsRoot(container({ name: 'wanting', image: box.image('needs-value') }));

    expect(played?.failed).toBe(true);
    expect(played?.msg).toContain('--set');
    expect((await box.atomic('containers', 'list', '-aq')).stdout).toBe('');
  });

  it('has an image installed and uninstalled under its own name', async () => {
    const named = { name: 'defaults-only', started: false };

    const [present, again, absent] = await playAsRoot(
      image({ ...named, state: 'present' }),
      image({ ...named, state: 'latest' }),
      image({ ...named, state: 'absent' }),
    );

    expect(present).toMatchObject({ ...CHANGED, msg: expect.stringContaining('Extracting') });
    // compat: only docker had images that containers are in the way of
    expect(again).toMatchObject({ failed: true, msg: '--force is not supported by ostree images\n' });
    expect(absent).toMatchObject({ ...CHANGED, msg: expect.stringContaining('systemctl disable') });
    expect((await box.atomic('containers', 'list', '-aq')).stdout).toBe('');
  });

  it('does the same for the containers of a user', async () => {
    await box.type('useradd --create-home ann; loginctl enable-linger ann');
    await eventually(box, 'test -S /run/user/$(id -u ann)/systemd/private');
    const asAnn = async (line: string) =>
      await box.run(['su', '-', 'ann', '-c', `export XDG_RUNTIME_DIR=/run/user/$(id -u); ${line}`]);
    const mine = container({ ...hello(), image: box.image('for-users'), mode: 'user' });

    expect(await play(asAnn, [mine, mine])).toMatchObject([CHANGED, UNCHANGED]);
    expect((await asAnn('atomic containers list -aq')).stdout).toBe('hello\n');
  });
});

describe('openshift-ansible', () => {
  it('installs, and finds the image of a container in JSON', async () => {
    const image = box.image('hello-world:latest');
    const mounts = ',{"type":"bind","source":"/srv","destination":"/srv","options":["rbind"]}';
    const listed = () => box.atomic('containers', 'list', '--json', '--all', '-f', 'container=origin');
    const before = await listed();
    const set = [`--set=ADDTL_MOUNTS=${mounts}`, '--set=UNKNOWN_TO_ALL_TEMPLATES=1'];

    const installed = await box.atomic(
      ...['install', '--system', '--system-package=no', '--name=origin', ...set, image],
    );

    expect(before).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^(\[\])?\n?$/) });
    expect(installed).toMatchObject({ exitCode: 0, stderr: '' });
    expect(JSON.parse((await listed()).stdout)[0].image_name).toBe(image);
    expect(JSON.parse(await box.file(`${CONTAINERS}/origin/info`)).values.ADDTL_MOUNTS).toBe(mounts);
  });

  it('updates the values of a container', async () => {
    expect(await box.atomic('containers', 'update', '--set=RECEIVER=Ann', 'origin')).toMatchObject({
      exitCode: 0,
      stderr: '',
    });
    expect(await box.file(`${CONTAINERS}/origin/info`)).toContain('"RECEIVER": "Ann"');
  });

  it('finds containers by a part of their line, and deletes the images of a repository by their ids', async () => {
    const listed = await box.sh(
      'atomic containers list --no-trunc -a -f container=origin -f backend=ostree | grep -c origin',
    );
    await box.atomic('pull', '--storage=ostree', box.image('run-once'));
    const id = await box.type("atomic images list -f repo=run-once --json | jq -r '.[0].id'");
    const deleted = await box.atomic('-y', 'images', 'delete', '-f', id.trim());

    expect(listed.stdout).toBe('1\n');
    expect(deleted).toMatchObject({ exitCode: 0, stderr: '' });
    expect((await box.atomic('images', 'list', '-f', 'repo=run-once', '--json')).stdout).toBe('[]\n');
  });

  it('sets a proxy in the configuration by replacing a line of it', async () => {
    await box.type(`printf '#http_proxy:\\n' >/etc/atomic.conf
      sed -i -E 's|^#?http_proxy[:=]{1}.*|http_proxy: http://proxy.example.org:3128|' /etc/atomic.conf`);
    const { exitCode } = await box.atomic('containers', 'list');
    await box.type('rm /etc/atomic.conf');

    expect(exitCode).toBe(0);
  });
});

describe('OpenStack', () => {
  it('installs a service of a cluster, whose files are in place', async () => {
    const { exitCode } = await box.sh(
      'atomic install --storage ostree --system --system-package no --set RECEIVER=Jerry ' +
        `--name kubelet "${box.image('hello-world')}"`,
    );

    expect(exitCode).toBe(0);
    expect((await box.sh(`test -x ${CONTAINERS}/kubelet.0/rootfs/usr/bin/sh`)).exitCode).toBe(0);
  });

  it('finds it, upgrades it while it is stopped, and deletes the image that it had', async () => {
    const [old, next] = [box.image('hello-world'), box.image('hello-world-2')];
    const images = async () => (await box.atomic('images', 'list', '--no-trunc')).stdout;
    await box.type('systemctl start kubelet');
    const listed = await box.atomic('containers', 'list', '-f', 'container=kube', '-q', '--no-trunc');

    await box.type(`systemctl stop kubelet
      atomic pull --storage ostree ${next}
      atomic containers update --rebase ${next} kubelet
      systemctl start kubelet
      atomic -y containers delete --force origin`);
    expect(listed.stdout).toBe('kubelet\n');
    expect(await images()).toContain(`${old} `);
    const deleted = await box.sh(`atomic --assumeyes images "delete ${old}" && atomic images prune`);

    expect(deleted.exitCode).toBe(0);
    expect(await images()).not.toContain(`${old} `);
    expect((await eventually(box, 'curl -sf localhost:8081')).stdout).toBe('Hi Jerry\n');
  });

  it.each([`'-n agent' ''`, `'--name agent' ''`])('installs with %s as the last words', async (words) => {
    expect(await box.sh(`atomic install ${box.image('hello-world-2')} ${words}`)).toMatchObject({
      exitCode: 0,
      stderr: '',
    });
    expect(await box.atomic('uninstall', 'agent')).toMatchObject({ exitCode: 0 });
  });
});

describe('a script that leaves nothing', () => {
  it('deletes all containers and all images', async () => {
    await box.type('atomic --assumeyes containers delete --all --force');
    await box.type('atomic --assumeyes images delete --all --force && atomic images prune');

    expect((await box.atomic('containers', 'list', '--all', '-q')).stdout).toBe('');
    expect((await box.atomic('images', 'list', '-q')).stdout).toBe('');
    expect(await box.sh('systemctl is-active kubelet')).toMatchObject({ stdout: 'inactive\n' });
  });

  it('finds nothing to do the second time', async () => {
    expect(
      await box.sh(`atomic --assumeyes containers delete --all --force
        atomic --assumeyes images delete --all --force; atomic images prune`),
    ).toMatchObject({ exitCode: 0 });
  });
});
