/** atomic-recover.service: what a power cut left is finished before services start, without any command. */
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import type { FaultPoint } from '../../src/faults.ts';
import { type Box, bootBox, PROJECT } from '../support/box.ts';
import { type Disk, makeDisk } from '../support/disk.ts';
import { addUser, asUserOf } from '../support/ordinary-user.ts';
import { CONTAINERS, eventually } from '../support/test-box.ts';
import { expectAnswer, NAME } from './state.ts';

let disk: Disk;
let box: Box;
const image = (name: string) => `${inject('registry')}/${name}`;
const install = (name: string, ...options: string[]) =>
  ['atomic', 'install', '--system', `--name=${name}`, ...options].join(' ');
const killedAt = (point: FaultPoint, line: string) => `ATOMIC_TEST_FAULT=${point}:kill ${line}`;
const journal = async () => (await box.sh('journalctl --no-pager -o cat -u atomic-recover')).stdout;
const leftovers = async () => (await box.sh(`ls -A ${CONTAINERS} | grep '^[.]' | grep -v storage`)).stdout;

beforeAll(async () => {
  disk = await makeDisk({ fileSystem: 'ext4', partitions: 'one' });
  box = await bootBox({ registry: inject('registry'), storage: disk.storage });
  await box.sh(`make -s -C ${PROJECT} install-units`);
  await box.sh(`atomic pull ${image('hello-world')}; atomic pull ${image('host-files')}`);
});
afterAll(async () => {
  await box?.[Symbol.asyncDispose]();
  await disk?.[Symbol.asyncDispose]();
});
beforeEach(async () => {
  await box.sh(`for c in $(atomic containers list -aq --no-trunc); do atomic uninstall $c; done`);
});

/** The power goes, with everything on disk, and comes back. */
async function reboot(): Promise<void> {
  await box.sh('sync');
  await box[Symbol.asyncDispose]();
  box = await bootBox({ registry: inject('registry'), storage: disk.storage });
}

describe('at boot', () => {
  it('an update is finished, and the service runs from the new deployment', async () => {
    await box.sh(`${install(NAME, '--set=RECEIVER=old', image('hello-world'))}; atomic run ${NAME}`);
    await box.sh(killedAt('switch.linked', `atomic containers update --set=RECEIVER=new ${NAME}`));
    expect(await leftovers()).not.toBe('');

    await reboot();

    await expectAnswer(box, { image: 'host-files', receiver: 'new' });
    expect((await box.sh(`runc state ${NAME} | jq -r .bundle`)).stdout).toBe(`${CONTAINERS}/${NAME}.1\n`);
    expect(await leftovers()).toBe('');
    expect(await journal()).toContain(
      `An earlier atomic command on '${NAME}' was cut short: finished the deployment ${CONTAINERS}/${NAME}.1`,
    );
  });

  it('an install is finished, and what it enabled runs', async () => {
    await box.sh(killedAt('switch.linked', install(NAME, image('host-files'))));

    await reboot();

    await expectAnswer(box, { image: 'host-files', receiver: 'World' });
    expect(await leftovers()).toBe('');
  });

  it('an uninstall is finished', async () => {
    await box.sh(`${install(NAME, image('host-files'))}; atomic run ${NAME}`);
    await box.sh(killedAt('remove.unlinked', `atomic uninstall ${NAME}`));

    await reboot();

    const { stdout } = await box.sh(
      `ls -A ${CONTAINERS}; runc list -q; ls -d /opt/atomic-test /etc/systemd/system/${NAME}.service`,
    );
    expect(stdout).toBe('.storage\n');
  });

  it('one that cannot be recovered is named, and keeps nothing else from starting', async () => {
    await box.sh(`${install('other', '--set=PORT=8082', image('hello-world'))}`);
    await box.sh(killedAt('switch.linked', install(NAME, image('host-files'))));
    await box.sh(killedAt('switch.linked', install('bad', '--set=PORT=8083', image('hello-world'))));
    await box.sh('mkdir /etc/systemd/system/.bad.service.tmp');

    await reboot();

    await expectAnswer(box, { image: 'host-files', receiver: 'World' });
    expect((await box.sh('systemctl is-active other')).stdout).toBe('active\n');
    expect(await journal()).toContain("Could not recover 'bad': ");
    expect(await leftovers()).toBe('.bad.0.old\n.bad.pending\n');
    await box.sh('rmdir /etc/systemd/system/.bad.service.tmp; atomic uninstall bad');
    expect(await leftovers()).toBe('');
  });

  it('nothing runs when there is nothing to do', async () => {
    await reboot();

    const { stdout } = await box.sh(
      'systemctl show -P ConditionResult atomic-recover; systemctl show -P ExecMainPID atomic-recover',
    );
    expect(stdout).toBe('no\n0\n');
  });

  it("an ordinary user's containers come up by themselves, after what he left half-way has been finished", async () => {
    const asJoe = await addUser(box, 'joe');
    const installed = (name: string, runtime: string, port: number) =>
      `atomic install --user --name=${name} --runtime=${runtime} --set=PORT=${port} ${image('for-users')}`;
    await asJoe(`${installed('with-runc', '/usr/sbin/runc', 8091)}; atomic run with-runc`);
    await asJoe(installed('with-crun', '/usr/bin/crun', 8092));
    await asJoe(killedAt('switch.linked', 'atomic containers update --set=RECEIVER=Joe with-runc'));
    await asJoe(killedAt('switch.linked', installed('cut-short', '/usr/bin/crun', 8093)));

    await reboot();

    for (const [port, answer] of [
      ['8091', 'Hi Joe'],
      ['8092', 'Hi World'],
      ['8093', 'Hi World'],
    ] as const)
      expect((await eventually(box, `curl -sf localhost:${port}`)).stdout).toBe(`${answer}\n`);
    const asJoeAgain = asUserOf(box, 'joe');
    expect((await asJoeAgain('ls -A .local/share/containers/atomic | grep "^[.]"')).stdout).toBe('');
    expect((await asJoeAgain('atomic containers list -aq --no-trunc')).stdout).toBe(
      'cut-short\nwith-crun\nwith-runc\n',
    );
    expect((await box.sh('journalctl --no-pager -o cat _UID=$(id -u joe)')).stdout).toContain(
      "An earlier atomic command on 'with-runc' was cut short: finished the deployment ",
    );
  });
});
