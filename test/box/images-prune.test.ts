import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { CONTAINERS, useBox } from '../support/test-box.ts';

const box = useBox();
const REPO = `${CONTAINERS}/.storage/ostree`;
const REFS = `${REPO}/refs/heads`;

const refs = async () => (await box.sh(`ls ${REFS}/ociimage`)).stdout.trim().split('\n');
const blobs = async () => (await refs()).filter((ref) => /^[0-9a-f]{64}$/.test(ref));
const remove = async (name: string) => await box.atomic('-y', 'images', 'delete', name);

beforeAll(async () => {
  await box.sh(`mkdir -p ${CONTAINERS}`);
});

afterEach(async () => {
  await box.sh(`cd ${CONTAINERS} && rm -rf stale* .stale*`);
});

describe('images prune', () => {
  it('does nothing where there is nothing', async () => {
    const pruned = await box.sh('ATOMIC_OSTREE_CHECKOUT_PATH=/run/empty atomic images prune; ls /run/empty');

    expect(pruned.stdout).toBe('Freed 0.0 B\n');
  });

  it('keeps what images need: layers that they share, and configurations', async () => {
    await box.atomic('pull', box.image('hello-world'));
    await box.atomic('images', 'tag', box.image('hello-world'), 'cafe:bad');
    await box.atomic('pull', box.image('needs-value'));
    const before = await refs();
    const info = await box.atomic('images', 'info', 'cafe:bad');

    const nothing = await box.atomic('images', 'prune');
    await remove(box.image('hello-world'));
    const shared = await box.atomic('images', 'prune');

    expect(nothing).toMatchObject({ exitCode: 0, stderr: '' });
    expect(nothing.stdout).toMatch(/^Freed \S+ [KM]?B\n$/);
    expect(before.filter((ref) => !ref.includes('hello-world'))).toEqual(await refs());
    expect(shared.stdout).not.toContain('Deleting');
    expect(await box.atomic('images', 'info', 'cafe:bad')).toEqual(info);
    expect(info.stdout).toContain('atomic.type: system');
  });

  it('deletes what no image needs any more, and says how much that was', async () => {
    await box.atomic('pull', box.image('many-layers'));
    const whole = await blobs();
    await remove(box.image('many-layers'));

    const pruned = await box.atomic('images', 'prune');

    const left = await blobs();
    const gone = whole.filter((hex) => !left.includes(hex));
    const lines = pruned.stdout.trimEnd().split('\n');
    expect(gone.length).toBeGreaterThan(3);
    expect(lines.slice(0, -1)).toEqual(gone.map((hex) => `Deleting ociimage/${hex}`));
    expect(lines.at(-1)).toMatch(/^Freed \d+\.\d+ [KM]?B$/);
    expect((await box.sh(`ostree fsck --repo=${REPO}`)).exitCode).toBe(0);
  });

  it('keeps what a deployment was made from, until that is gone', async () => {
    await box.atomic('install', '--system', '--name=deployed', box.image('stubborn'));
    const commit = (await box.sh(`jq -r '."ostree-commit"' ${CONTAINERS}/deployed/info`)).stdout.trim();
    const listing = `ostree --repo=${REPO} ls -R ${commit}`;
    const layers = await blobs();
    await remove(box.image('stubborn'));

    const first = await box.atomic('images', 'prune');
    const second = await box.atomic('images', 'prune');
    const held = [await box.sh(listing), await blobs()] as const;
    await box.atomic('uninstall', 'deployed');
    const third = await box.atomic('images', 'prune');

    expect([first.stdout, second.stdout].join('')).not.toContain('Deleting');
    expect(held[0].exitCode).toBe(0);
    expect(held[1]).toEqual(layers);
    expect(third.stdout).toMatch(/^Deleting ociimage\/[0-9a-f]{64}\n/);
    expect((await box.sh(listing)).exitCode).toBe(1);
    expect((await box.sh(`ls ${REFS}/atomic-deployed`)).stdout).toBe('');
  });

  it('leaves nothing untagged when the last image is gone', async () => {
    await box.atomic('-y', 'images', 'delete', '--all');
    await box.atomic('images', 'prune');

    expect((await box.atomic('images', 'list', '--all')).stdout).toBe('');
    expect((await box.sh(`find ${REPO}/objects -type f`)).stdout).toBe('');
  });

  it('removes deployments that no container has, and only those', async () => {
    await box.sh(`cd ${CONTAINERS} && mkdir -p stale.0/rootfs stale.1 'stale b.0' .stale.2.0.new stale-hung.0 stale-linked.0 &&
      touch stale-file.1 .stale-hung.pending && ln -s nowhere stale-linked`);

    const pruned = await box.atomic('images', 'prune');

    expect(pruned).toMatchObject({ exitCode: 0 });
    expect((await box.sh(`ls -A ${CONTAINERS} | grep stale`)).stdout.trim().split('\n').sort()).toEqual(
      [
        '.stale.2.0.new',
        '.stale-hung.pending',
        'stale-file.1',
        'stale-hung.0',
        'stale-linked',
        'stale-linked.0',
      ].sort(),
    );
  });

  it('removes what an install had built aside when it was killed, but not what one is building', async () => {
    const install = (point: string, name: string) =>
      `ATOMIC_TEST_FAULT=${point} atomic install --system --name=${name} ${box.image('no-service')}`;
    await box.sh(`${install('prepare.checked-out:kill', 'stale')}; touch ${CONTAINERS}/..stale.pending.tmp`);
    const waiting = `${install('prepare.checked-out:hang', 'built')} >/dev/null & pid=$!
      until ls -d ${CONTAINERS}/.built.0.new-*/rootfs/etc; do sleep 0.05; done >/dev/null 2>&1`;
    const entries = `ls -A ${CONTAINERS} | grep -E '^[.].*(stale|built)' | sort | sed 's/-[0-9]*$//'`;

    const { stdout } = await box.sh(
      `${entries}; ${waiting}; atomic images prune; ${entries}; kill $pid; wait $pid; ${entries}`,
    );

    expect(stdout.replace(/Freed.*/, 'pruned')).toBe(
      '..stale.pending.tmp\n.stale.0.new\npruned\n.built.0.new\n',
    );
  });

  it('says what it cannot remove, and goes on', async () => {
    await box.sh(
      `cd ${CONTAINERS} && mkdir -p stale.0/data stale2.0 /run/precious && touch /run/precious/file`,
    );
    await box.sh(`mount --bind /run/precious ${CONTAINERS}/stale.0/data`);

    const pruned = await box.atomic('images', 'prune');
    await box.sh(`umount ${CONTAINERS}/stale.0/data`);

    expect(pruned.exitCode).toBe(0);
    expect(pruned.stderr).toContain(
      `Could not remove directory ${CONTAINERS}/stale.0: something is mounted on ${CONTAINERS}/stale.0/data\n`,
    );
    expect((await box.sh(`ls -d /run/precious/file ${CONTAINERS}/stale2.0`)).stdout).toBe(
      '/run/precious/file\n',
    );
  });

  it('waits for an installation that is under way', async () => {
    const lock = '/run/atomic/locks/stale.lock';
    // until another process waits for the lock
    const underWay = 'touch /run/locked; until pgrep -f "[f]lock --exclusive 3"; do sleep 0.1; done';
    const work = `${underWay}; touch ${CONTAINERS}/stale.0/used; ln -s ${CONTAINERS}/stale.0 ${CONTAINERS}/stale`;
    await box.sh(`mkdir -p ${CONTAINERS}/stale.0 /run/atomic/locks`);
    await box.sh(
      `flock ${lock} sh -c '${work}' & until [ -e /run/locked ]; do sleep 0.1; done; atomic images prune; wait`,
    );

    expect((await box.sh(`ls ${CONTAINERS}/stale.0`)).stdout).toBe('used\n');
  });

  it('removes checkouts of layers that are gone, and nothing else from the storage', async () => {
    await box.atomic('pull', box.image('stubborn'));
    const [kept = ''] = await blobs();
    const gone = 'a'.repeat(64);
    await box.sh(
      `cd ${CONTAINERS}/.storage && mkdir ${kept} ${gone} other && touch samefs-check-1 ${'b'.repeat(64)}`,
    );

    const pruned = await box.atomic('images', 'prune');

    expect(pruned.exitCode).toBe(0);
    expect((await box.sh(`ls -A ${CONTAINERS}/.storage`)).stdout.trim().split('\n').sort()).toEqual(
      [kept, 'b'.repeat(64), 'ostree', 'other', 'samefs-check-1'].sort(),
    );
  });

  it('deletes names that nobody could look up', async () => {
    await box.sh(
      `cd ${REFS}/ociimage && mkdir -p docker.io/old && cp *stubborn* docker.io/old/busybox && cp *stubborn* fine_3Aname`,
    );

    const pruned = await box.atomic('images', 'prune');

    expect(pruned.stdout).toContain('Deleting ociimage/docker.io/old/busybox\n');
    expect(await refs()).toContain('fine_3Aname');
  });

  it('names a damaged image, and goes on', async () => {
    await box.sh(`cd ${REFS}/ociimage && echo garbage > broken_3Alatest`);

    const pruned = await box.atomic('images', 'prune');

    expect(pruned.stderr).toContain("Skipping image 'broken:latest': ");
    await remove('broken:latest');
    expect((await box.atomic('images', 'prune')).stderr).toBe('');
  });

  it('takes nothing from a pull that is under way', async () => {
    const pull = `atomic pull ${box.image('many-layers')}`;
    const race = `for i in 1 2 3 4; do ${pull} & for j in 1 2 3; do atomic images prune; done; wait $! || exit 9
      ostree fsck -q --repo=${REPO} || exit 8; atomic -y images delete ${box.image('many-layers')}; done`;

    expect((await box.sh(race)).exitCode).toBe(0);
  });
});

describe('what killed pulls have downloaded', () => {
  it('is removed, and counted', async () => {
    const left = `${CONTAINERS}/.pull-1-01234567-abcdef`;
    await box.type(`mkdir -p ${left}/layout && head -c 3000000 /dev/zero >${left}/layout/blob`);

    const { stdout } = await box.atomic('images', 'prune');

    expect(stdout).toMatch(/Freed 3\.\d MB|Freed [23]\.\d+ MB/);
    expect((await box.sh(`ls -d ${left}`)).stdout).toBe('');
  });
});
