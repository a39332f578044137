import { afterAll, describe, expect, inject, it } from 'vitest';
import { GUIDE_IMAGE as IMAGE, pushGuideImage } from '../support/registry.ts';
import { useStory } from '../support/story.ts';
import { eventually, tracesIn, useBox } from '../support/test-box.ts';

const box = useBox();
useStory();
const CONTAINER = '/var/lib/containers/atomic/hello-world';
const REMOTES = [1, 2, 3, 4, 5];

const push = async (fixture: string) => await pushGuideImage({ address: inject('registry') }, fixture);
afterAll(async () => await push('hello-world'));

const greeting = async (port: number) => (await eventually(box, `curl -sf localhost:${port}`)).stdout;
const remote = (number: number) => `hello-world-remote-${number}`;
const generations = async () =>
  await Promise.all(
    REMOTES.map((number) =>
      box.sh(`runc exec ${remote(number)} sh -c 'read g < /usr/share/generation && echo $g'`),
    ),
  );

describe('a short name that is not local yet', () => {
  it('is installed under its default name', async () => {
    await box.type(`atomic install --system --set=PORT=8085 --set=RECEIVER=Guide ${IMAGE}`);
    await box.type('systemctl start hello-world');

    expect(await greeting(8085)).toBe('Hi Guide\n');
    expect(await box.type('atomic containers list --json')).toContain(
      '"image_name": "gscrivano/hello-world:latest"',
    );
    await box.type('atomic uninstall hello-world');
  });
});

describe('hello-world, as the guide has it', () => {
  it('is installed', async () => {
    const installed = await box.type(`atomic install --system --set=PORT=8081 --set=RECEIVER=Jerry ${IMAGE}`);

    expect(installed).toContain(`Extracting to ${CONTAINER}.0\n`);
    expect(await box.type('readlink /etc/systemd/system/multi-user.target.wants/hello-world.service')).toBe(
      '/etc/systemd/system/hello-world.service\n',
    );
    expect(await box.type('atomic containers list')).toBe('');
  });

  it('is a service like any other', async () => {
    await box.type('systemctl start hello-world');

    expect(await box.type('systemctl status hello-world --no-pager')).toContain('Active: active (running)');
    expect(await greeting(8081)).toBe('Hi Jerry\n');
    await box.type('systemctl stop hello-world');
    expect(await box.type('atomic run hello-world')).toBe('systemctl start hello-world\n');
    expect(await greeting(8081)).toBe('Hi Jerry\n');
  });

  it('is listed', async () => {
    const row = / hello-world .* running +ostree /;

    expect(await box.type('atomic containers list')).toMatch(row);
    expect(await box.type('atomic containers list -a --no-trunc -f runtime=ostree')).toMatch(row);
    expect(await box.type('atomic images list -f type=ostree')).toMatch(/\n> {2}gscrivano\/hello-world /);
  });

  it('gets another value, and goes back and forth', async () => {
    await box.type('atomic containers update --set=RECEIVER=foo --container hello-world');
    expect(await greeting(8081)).toBe('Hi foo\n');

    await box.type('atomic containers rollback hello-world');
    expect(await greeting(8081)).toBe('Hi Jerry\n');
    await box.type('atomic containers rollback hello-world');
    expect(await greeting(8081)).toBe('Hi foo\n');
  });
});

describe('containers on the root file system of another', () => {
  it('are installed and run, five of them', async () => {
    for (const number of REMOTES) {
      const values = `--set=PORT=${8081 + number} --set=RECEIVER=remote-${number}`;
      const installed = await box.type(
        `atomic install --system --name=${remote(number)} --rootfs=${CONTAINER} ${values} ${IMAGE}`,
      );
      expect(installed).toContain(`set to be ${CONTAINER}.1/rootfs\n`);
      await box.type(`systemctl start ${remote(number)}`);
    }

    for (const number of REMOTES) expect(await greeting(8081 + number)).toBe(`Hi remote-${number}\n`);
    expect(await box.type(`find ${CONTAINER}-remote-1/ -mindepth 1 -printf '%f\n' | sort`)).toBe(
      'config.json\nhello-world-remote-1.service\ninfo\nrootfs\ntmpfiles-hello-world-remote-1.conf\n',
    );
    expect(await box.type('atomic containers list -q --no-trunc | sort')).toBe(
      ['hello-world', ...REMOTES.map(remote), ''].join('\n'),
    );
  });

  it('are updated with it', async () => {
    await push('hello-world-2');
    await box.type(`atomic pull --storage ostree ${IMAGE}`);

    await box.type('atomic containers update hello-world');

    expect(await greeting(8081)).toBe('Hi foo\n');
    for (const number of REMOTES) expect(await greeting(8081 + number)).toBe(`Hi remote-${number}\n`);
    const second = { stdout: '2\n', stderr: '', exitCode: 0 };
    expect(await generations()).toEqual(REMOTES.map(() => second));
  });

  it('are rolled back with it', async () => {
    await box.type('atomic containers rollback hello-world');

    for (const number of REMOTES) expect(await greeting(8081 + number)).toBe(`Hi remote-${number}\n`);
    expect((await generations()).every(({ exitCode }) => exitCode !== 0)).toBe(true);
  });
});

describe('when the guide is through', () => {
  it('nothing of the containers is left', async () => {
    for (const name of [...REMOTES.map(remote), 'hello-world']) await box.type(`atomic uninstall ${name}`);

    expect(await box.type('atomic containers list -a')).toBe('');
    expect(await tracesIn(box)).toBe('');
    expect((await box.sh('pgrep -x ncat')).stdout).toBe('');
    expect(await box.type('systemctl list-units --all --plain --no-legend "hello-world*"')).toBe('');
    expect((await box.sh('find /etc -name "hello-world*"; ls -A /run/runc')).stdout).toBe('');
  });

  it('nothing of the image, either', async () => {
    await box.type(`echo y | atomic images delete ${IMAGE}`);
    await box.type('atomic images prune');

    expect(await box.type('atomic images list -a')).toBe('');
    expect(await box.type('ostree --repo=/var/lib/containers/atomic/.storage/ostree refs')).toBe('');
    expect(await box.type('atomic containers list -a')).toBe('');
  });
});
