import { afterEach, describe, expect, it } from 'vitest';
import { tracesIn, useBox } from '../support/test-box.ts';

const box = useBox();
const CONTAINERS = '/var/lib/containers/atomic';

const install = async (name: string) =>
  await box.atomic('install', '--system', `--name=${name}`, box.image('hello-world'));

afterEach(async () => {
  await box.sh('for c in $(atomic containers list -aq --no-trunc); do atomic uninstall $c; done');
  expect(await tracesIn(box)).toBe('');
});

describe('a mount below a deployment', () => {
  it('is named at once by uninstall, which has changed nothing, and can be typed again', async () => {
    await install('c');
    const point = `${CONTAINERS}/c.0/rootfs/mnt`;
    await box.type(
      `mkdir -p /run/precious ${point}; touch /run/precious/file; mount --bind /run/precious ${point}`,
    );

    const refused = await box.atomic('uninstall', 'c');

    expect(refused).toMatchObject({ exitCode: 1 });
    expect(refused.stderr).toContain(`something is mounted on ${point}`);
    expect(await box.type(`systemctl is-enabled c; ls /run/precious; readlink -e ${CONTAINERS}/c`)).toBe(
      `enabled\nfile\n${CONTAINERS}/c.0\n`,
    );
    await box.type(`umount ${point}`);
    expect(await box.atomic('uninstall', 'c')).toMatchObject({ exitCode: 0 });
  });

  it('is named by the update that would remove it, before the service is stopped', async () => {
    await install('c');
    await box.atomic('containers', 'update', '--set=RECEIVER=a', 'c');
    const point = `${CONTAINERS}/c.0/rootfs/mnt`;
    await box.type(`mkdir -p /run/precious ${point}; mount --bind /run/precious ${point}; atomic run c`);

    const refused = await box.atomic('containers', 'update', '--set=RECEIVER=b', 'c');
    const state = await box.type(`systemctl is-active c; readlink ${CONTAINERS}/c; umount ${point}`);

    expect(refused).toMatchObject({ exitCode: 1 });
    expect(refused.stderr).toContain(`something is mounted on ${point}`);
    expect(state).toBe(`active\n${CONTAINERS}/c.1\n`);
    await box.sh('atomic stop c; rmdir /run/c');
  });
});

describe('containers whose names look like those of our directories', () => {
  it('keep what is hidden of them when others clean up', async () => {
    const names = ['mount-nfs', 'pull-99999-abcdef', 'run-once-99999-abcdef', 'mount-0123456789abcdef'];
    const hidden = names.flatMap((name) => ['1.old', '1.new-99999'].map((end) => `.${name}.${end}`));
    for (const name of names) expect(await install(name)).toMatchObject({ exitCode: 0 });
    await box.type(`cd ${CONTAINERS} && mkdir ${hidden.join(' ')} && mkdir /mnt/view`);

    await box.type(`atomic pull --storage=ostree ${box.image('etcd')}`);
    await box.type(
      `atomic mount ${box.image('hello-world')} /mnt/view; atomic unmount /mnt/view; rmdir /mnt/view`,
    );
    await box.type(`atomic run ${box.image('hello-world')} sh -c :`);

    expect(await box.type(`cd ${CONTAINERS} && ls -d ${hidden.join(' ')}`)).toBe(
      `${[...hidden].sort().join('\n')}\n`,
    );
    // nobody is at work on these containers: what looks like a change that was cut short goes
    await box.type('atomic images prune');
    expect((await box.sh(`cd ${CONTAINERS} && ls -d ${hidden.join(' ')}`)).stdout).toBe('');
  });
});

describe('a checkout directory reached through a link', () => {
  it('keeps no run, and no mount of one', async () => {
    const link = '/srv/checkouts';
    await box.type(`mkdir -p ${CONTAINERS}; ln -s ${CONTAINERS} ${link}`);
    const command = `ATOMIC_OSTREE_CHECKOUT_PATH=${link} atomic run ${box.image('hello-world')} sh -c`;

    for (const status of [0, 3])
      expect(await box.sh(`${command} 'exit ${status}'`)).toMatchObject({ exitCode: status });

    expect((await box.sh(`findmnt -rno TARGET | grep run-once; ls -d ${CONTAINERS}/.run-once*`)).stdout).toBe(
      '',
    );
    await box.type(`rm ${link}`);
  });
});
