import { afterEach, describe, expect, it } from 'vitest';
import { CONTAINERS, tracesIn, useBox } from '../support/test-box.ts';

const box = useBox();
const SECRET = 'hunter2x';

afterEach(async () => {
  await box.sh('for c in $(atomic containers list -aq --no-trunc); do atomic uninstall $c; done');
  expect(await tracesIn(box)).toBe('');
});

/** The files of a deployment that somebody else on this host finds a text in. */
const foundByOthers = async (text: string, where: string) =>
  (await box.sh(`setpriv --reuid=65534 --regid=65534 --clear-groups grep -rls ${text} ${where}`)).stdout;

describe('values that are secrets', () => {
  it('are in no file of a deployment that another user can read, but for the unit', async () => {
    await box.type(`chmod 755 /var/lib/containers`);
    await box.type(`atomic install --system --name=c --set=RECEIVER=${SECRET} ${box.image('hello-world')}`);
    await box.type(`chmod 755 ${CONTAINERS}; chmod -R go+rX ${CONTAINERS}/c.0/rootfs`);

    expect(await box.type(`grep -l ${SECRET} ${CONTAINERS}/c/config.json ${CONTAINERS}/c/info`)).toBe(
      `${CONTAINERS}/c/config.json\n${CONTAINERS}/c/info\n`,
    );
    expect(await foundByOthers(SECRET, `${CONTAINERS} /etc`)).toBe('');
  });

  it('stay private when a container follows the one that it shares its root with', async () => {
    await box.type(`chmod 755 /var/lib/containers`);
    await box.type(`atomic install --system --name=base ${box.image('hello-world')}`);
    await box.type(
      `atomic install --system --name=far --rootfs=${CONTAINERS}/base --set=RECEIVER=${SECRET} ${box.image('hello-world')}`,
    );
    await box.type(`atomic containers update --set=RECEIVER=x base; chmod 755 ${CONTAINERS}`);

    expect(await box.type(`jq -r .root.path ${CONTAINERS}/far/config.json`)).toBe(
      `${CONTAINERS}/base.1/rootfs\n`,
    );
    expect(await foundByOthers(SECRET, CONTAINERS)).toBe('');
    await box.type('atomic uninstall far');
  });
});

describe('the tmpfiles file of a container', () => {
  it('is for root alone, in its deployment and on the host', async () => {
    await box.type(`atomic install --system --name=c ${box.image('with-mounts')}`);

    const files = `${CONTAINERS}/c/tmpfiles-c.conf /etc/tmpfiles.d/c.conf`;
    expect(
      await box.type(`stat -c %a ${files}; systemd-tmpfiles --create; stat -c %a /run/with-mounts`),
    ).toBe('600\n600\n700\n');
    await box.sh('rmdir /run/with-mounts');
  });
});

describe('under a umask of 077', () => {
  it('the root of a container is open to its users', async () => {
    await box.type(`umask 077; atomic install --system --name=c ${box.image('hello-world')}`);

    expect(await box.type(`stat -c %a ${CONTAINERS}/c/rootfs`)).toBe('755\n');
  });

  it('so is that of an image that runs once, and of one that is mounted', async () => {
    const image = box.image('hello-world');
    await box.type(`atomic pull --storage=ostree ${image}`);
    const rootfs = `${CONTAINERS}/.run-once-*/rootfs`;
    const modes = `for i in $(seq 100); do stat -c %a ${rootfs} && break; sleep 0.1; done 2>/dev/null`;
    const once = await box.type(`umask 077; atomic run ${image} sh -c 'sleep 3' & sleep 1; ${modes}; wait`);
    await box.type(`mkdir /mnt/view; umask 077; atomic mount ${image} /mnt/view`);
    const mounted = await box.type('stat -c %a /mnt/view; atomic unmount /mnt/view; rmdir /mnt/view');

    expect({ once, mounted }).toEqual({ once: '755\n', mounted: '755\n' });
  });
});
