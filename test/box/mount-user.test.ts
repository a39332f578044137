import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { DIR, refusal, SILENCE } from '../support/mounts.ts';
import { useBox } from '../support/test-box.ts';

const box = useBox();
const image = () => box.image('many-layers');

beforeAll(async () => {
  await box.sh(`mkdir -p ${DIR}`);
});

describe('an ordinary user', () => {
  const HOME = '/var/lib/containers/home';
  const MINE = `${HOME}/mnt`;
  const env = { HOME, XDG_RUNTIME_DIR: `${HOME}/run` };
  const as = async (line: string, more: Readonly<Record<string, string>> = {}) =>
    await box.run(
      ['setpriv', '--reuid=1234', '--regid=1234', '--clear-groups', 'sh', '-c', `cd ${HOME} && ${line}`],
      {
        env: { ...env, ...more },
      },
    );
  const CHECKOUTS = `${HOME}/.local/share/containers/atomic`;
  const left = async () => (await as(`ls -A ${CHECKOUTS} mnt`)).stdout;

  beforeAll(async () => {
    await box.sh(`mkdir -p ${MINE} ${HOME}/run && chown -R 1234:1234 ${HOME} && chmod 700 ${HOME}/run`);
    expect(await as(`atomic pull ${image()}`)).toMatchObject({ exitCode: 0 });
  });

  afterEach(async () => {
    expect(await left()).toBe(`${CHECKOUTS}:\nrepo\n\nmnt:\n`);
    expect(await as(`ostree --repo=${CHECKOUTS}/repo fsck --quiet`)).toMatchObject({ exitCode: 0 });
  });

  it("gets copies of an image's files, which go when they are unmounted", async () => {
    const mounted = await as(`atomic mount ${image()} mnt`);
    const files = await as(
      `cd mnt/etc && find . -type f | sort | xargs grep .; stat -c %h kept; ls -A ${MINE}`,
    );
    const ended = await as('atomic unmount mnt/');

    expect(mounted).toEqual({ ...SILENCE, stdout: `Extracting to ${MINE}\n` });
    expect(files.stdout).toMatch(/^\.\/changed:three\n\.\/kept:kept\n\.\/opaque\/above:above\n1\n/);
    expect(files.stdout).not.toContain('.atomic');
    expect(ended).toEqual(SILENCE);
  });

  it('keeps what was changed or added there since', async () => {
    await as(`atomic mount ${image()} mnt`);
    await as('cd mnt && echo mine > etc/kept && echo x > new && rm -r bin');

    const ended = await as('atomic unmount mnt');
    const kept = await as('cd mnt && find . -type f | sort; rm -rf etc new');

    expect(ended).toEqual({
      ...SILENCE,
      stderr: `Keeping ${MINE}/etc/kept and 1 more: changed or added since it was mounted\n`,
    });
    expect(kept.stdout).toBe('./etc/kept\n./new\n');
    expect(await as('atomic unmount mnt')).toMatchObject({
      exitCode: 1,
      stderr: 'No device mounted at mnt\n',
    });
  });

  it('keeps everything when the record of what was put there is damaged', async () => {
    await as(
      `atomic mount ${image()} mnt; for f in ${CHECKOUTS}/.mount-*; do echo '[' > $f/files.json; done`,
    );

    const ended = await as('atomic unmount mnt');
    const kept = await as('cat mnt/etc/changed; chmod -R u+w mnt; rm -r mnt/*');

    expect(ended.exitCode).toBe(0);
    expect(ended.stderr).toMatch(/^Keeping .* and \d+ more: changed or added since it was mounted\n$/);
    expect(kept.stdout).toBe('three\n');
  });

  it.each(['mount.begun', 'mount.extracted'])('has the rest of a mount killed at %s swept', async (point) => {
    await as(`atomic mount ${image()} mnt`, { ATOMIC_TEST_FAULT: `${point}:kill` });

    expect(await as(`atomic mount ${image()} mnt`)).toMatchObject({ exitCode: 0 });
    expect(await as('atomic unmount mnt')).toEqual(SILENCE);
  });

  it('has what a killed mount put there, and nothing else, taken away by prune', async () => {
    await as(`atomic mount ${image()} mnt; echo mine > mnt/mine`, {
      ATOMIC_TEST_FAULT: 'mount.extracted:kill',
    });

    await as('atomic images prune');

    expect((await as('ls -A mnt; rm mnt/mine')).stdout).toBe('mine\n');
  });

  it('has nothing left of a mount that fails', async () => {
    const failed = await as(`atomic mount ${image()} mnt`, { ATOMIC_TEST_FAULT: 'mount.extracted:ENOSPC' });

    expect(failed.exitCode).toBe(1);
  });

  it('cannot mount a container, nor on a folder of somebody else, nor over files', async () => {
    await as(
      `mkdir -p ${CHECKOUTS}/c.0/rootfs && echo {} > ${CHECKOUTS}/c.0/info && ln -s c.0 ${CHECKOUTS}/c`,
    );
    const container = await as('atomic mount c mnt');
    await as(`rm -r ${CHECKOUTS}/c ${CHECKOUTS}/c.0`);
    const foreign = await as(`atomic mount ${image()} ${DIR}`);
    const full = await as(`atomic mount ${image()} ${HOME}`);

    expect(container).toEqual(refusal('Need to be root to mount a container.'));
    expect(foreign.exitCode).toBe(1);
    expect(foreign.stderr).toContain("Some operations for 'mount' require root access.");
    expect(full).toEqual(refusal('The destination path is not empty.'));
  });

  it('has folders without write permission taken away, too', async () => {
    const locked = `${HOME}/locked`;
    await as(`mkdir -p ${locked}/proc/inner && chmod 555 ${locked}/proc/inner ${locked}/proc`);
    await as(
      `ostree --repo=${CHECKOUTS}/repo commit -b ociimage/locked_3Alatest --tree=dir=${locked} --canonical-permissions --no-xattrs`,
    );
    const mounted = await as('atomic mount locked mnt && stat -c %a mnt/proc mnt/proc/inner');
    const ended = await as('atomic unmount mnt');
    await as(
      `ostree --repo=${CHECKOUTS}/repo refs --delete ociimage/locked_3Alatest; chmod -R u+w ${locked}; rm -r ${locked}`,
    );

    expect(mounted.stdout).toBe(`Extracting to ${MINE}\n555\n555\n`);
    expect(ended).toEqual(SILENCE);
  });
});
