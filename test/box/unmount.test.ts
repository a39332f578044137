import { beforeAll, describe, expect, it } from 'vitest';
import { DIR, mountsIn, refusal, SILENCE } from '../support/mounts.ts';
import { CONTAINERS, eventually, useBox } from '../support/test-box.ts';

const box = useBox();
const { expectNothingLeft, leftovers, mount, unmount } = mountsIn(box);
const image = () => box.image('many-layers');

beforeAll(async () => {
  await box.atomic('pull', image());
  await box.sh(`mkdir -p ${DIR}`);
});

describe('unmounting', () => {
  const nothing = (folder: string) => refusal(`No device mounted at ${folder}`);

  it.each([
    { name: 'an ordinary folder', folder: DIR },
    { name: 'a folder that is not there', folder: `${DIR}/none` },
    { name: "somebody else's mount", folder: '/proc' },
    { name: 'the root', folder: '/' },
    { name: 'a file', folder: '/etc/hostname' },
  ])('refuses $name', async ({ folder }) => {
    expect(await unmount(folder)).toEqual(nothing(folder));
  });

  it('leaves alone what came to the folder after our mount was taken away by hand', async () => {
    await mount(image());
    await box.sh(`umount ${DIR} && mkdir ${DIR}/precious && echo x > ${DIR}/precious/file`);

    const refused = await unmount();

    expect(refused).toEqual(nothing(DIR));
    expect((await box.sh(`cat ${DIR}/precious/file; rm -r ${DIR}/precious`)).stdout).toBe('x\n');
    await box.atomic('images', 'prune');
    await expectNothingLeft();
  });

  it('leaves alone a mount that came over ours', async () => {
    await mount(image());
    await box.sh(`mount -t tmpfs mine ${DIR} && touch ${DIR}/precious`);

    const refused = await unmount();
    const there = await box.sh(`ls ${DIR}; umount ${DIR}`);
    const ended = await unmount();

    expect(refused).toEqual(nothing(DIR));
    expect(there.stdout).toBe('precious\n');
    expect(ended).toEqual(SILENCE);
    await expectNothingLeft();
  });

  it('leaves alone another place that our mount was bound to, and goes on showing its files', async () => {
    await box.sh(`mkdir ${DIR}2`);
    await mount(image());
    await box.sh(`mount --bind ${DIR} ${DIR}2`);

    const refused = await unmount(`${DIR}2`);
    const ended = await unmount();
    const read = await box.sh(`cat ${DIR}2/etc/changed; umount ${DIR}2; rmdir ${DIR}2`);
    await box.atomic('images', 'prune');

    expect(refused).toEqual(nothing(`${DIR}2`));
    expect(ended).toEqual(SILENCE);
    expect(read.stdout).toBe('three\n');
    await expectNothingLeft();
  });

  it('tries again while somebody uses the mount', async () => {
    await mount(image());
    await box.sh(`systemd-run --unit=user --working-directory=${DIR} sleep 3`);
    await eventually(box, 'systemctl is-active user');

    const { exitCode, stderr } = await unmount();

    expect(exitCode).toBe(0);
    expect(stderr).toMatch(
      new RegExp(`^Warning: umount: ${DIR}: target is busy.\nRetrying 1/10 to unmount ${DIR}\nWarning: `),
    );
    await expectNothingLeft();
  });

  it('gives up after ten times, and the mount stays', async () => {
    await mount(image());
    await box.sh(`systemd-run --unit=user --working-directory=${DIR} sleep 60`);
    await eventually(box, 'systemctl is-active user');

    const { exitCode, stderr } = await unmount();
    const read = await box.sh(`cat ${DIR}/etc/changed; systemctl stop user`);
    const ended = await unmount();

    expect(exitCode).toBe(1);
    expect(stderr.match(/^Retrying \d+\/10 to unmount/gm)).toHaveLength(10);
    expect(stderr.trimEnd().split('\n').at(-1)).toBe(
      `Unable to unmount ${DIR} due to umount: ${DIR}: target is busy.`,
    );
    expect(read.stdout).toBe('three\n');
    expect(ended).toEqual(SILENCE);
    await expectNothingLeft();
  });
});

describe('a mount that is cut short', () => {
  const faulty = async (fault: string, argv: readonly string[]) =>
    await box.run(argv, { env: { ATOMIC_TEST_FAULT: fault } });

  it.each(['mount.begun', 'mount.extracted'])('by a kill at %s is swept by the next', async (point) => {
    const killed = await faulty(`${point}:kill`, ['atomic', 'mount', image(), DIR]);
    const before = await leftovers();

    expect(killed.exitCode).not.toBe(0);
    expect(before).toMatch(/^\.mount-[0-9a-f]{16}\n$/);
    expect(await mount(image())).toEqual(SILENCE);
    expect(await unmount()).toEqual(SILENCE);
    await expectNothingLeft();
  });

  it('by a kill at mount.extracted is swept by prune', async () => {
    await faulty('mount.extracted:kill', ['atomic', 'mount', image(), DIR]);

    expect(await box.atomic('images', 'prune')).toMatchObject({ exitCode: 0, stderr: '' });
    await expectNothingLeft();
  });

  it('by a kill at its end is a mount', async () => {
    await faulty('mount.done:kill', ['atomic', 'mount', image(), DIR]);

    expect(await box.file(`${DIR}/etc/changed`)).toBe('three\n');
    await box.atomic('images', 'prune');
    expect(await box.file(`${DIR}/etc/changed`)).toBe('three\n');
    expect(await unmount()).toEqual(SILENCE);
    await expectNothingLeft();
  });

  it.each(['mount.begun', 'mount.extracted', 'mount.done'])(
    'by a failure or an interrupt at %s leaves nothing',
    async (point) => {
      const failed = await faulty(`${point}:ENOSPC`, ['atomic', 'mount', image(), DIR]);
      await expectNothingLeft();
      const interrupted = await faulty(`${point}:hang`, ['timeout', '2', 'atomic', 'mount', image(), DIR]);

      expect(failed).toMatchObject({ exitCode: 1, stderr: `ENOSPC: a fault at ${point}\n` });
      expect(interrupted.exitCode).toBe(124);
      await expectNothingLeft();
    },
  );

  it('by a kill while unmounting is swept, too', async () => {
    await mount(image());
    await faulty('unmount.done:kill', ['atomic', 'unmount', DIR]);

    expect(await unmount()).toEqual(refusal(`No device mounted at ${DIR}`));
    await box.atomic('images', 'prune');
    await expectNothingLeft();
  });

  it.each([
    ['no record', 'rm "$f"/record.json'],
    ['a damaged record', ': > "$f"/record.json'],
    ['a folder for a record', 'rm "$f"/record.json; mkdir "$f"/record.json'],
  ])('with %s does not stand in the way', async (_, damage) => {
    await faulty('mount.extracted:kill', ['atomic', 'mount', image(), DIR]);
    await box.sh(`for f in ${CONTAINERS}/.mount-*; do ${damage}; done`);

    expect(await mount(image())).toEqual(SILENCE);
    expect(await unmount()).toEqual(SILENCE);
    await expectNothingLeft();
  });
});
