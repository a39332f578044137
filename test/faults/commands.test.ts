/** Pulls, installs, uninstalls and prunes that are cut short: nothing half-done stays, and the next command succeeds. */
import { beforeAll, describe, expect, it } from 'vitest';
import { CONTAINERS, tracesIn, useBox } from '../support/test-box.ts';
import { type Fault, faultsAt, faulty } from './points.ts';
import { expectAnswer, expectSoundRepository, NAME, stateOf, wholeState } from './state.ts';

const box = useBox();
const deployed = { image: 'host-files', receiver: 'World' } as const;
let digest = '';

const install = ['atomic', 'install', '--system', `--name=${NAME}`];
const installAll = async () => await box.run([...install, box.image('host-files')]);
const uninstall = async () => await box.atomic('uninstall', NAME);

beforeAll(async () => {
  await installAll();
  digest = (await stateOf(box)).digest ?? '';
  await uninstall();
});

async function failAt(fault: Fault, argv: readonly string[]): Promise<void> {
  const { exitCode, stderr } = await faulty(box, argv, fault);
  expect(exitCode).not.toBe(0);
  if (fault.kind !== 'kill' && fault.kind !== 'hang') expect(stderr).toContain(`a fault at ${fault.point}`);
}

const expectWhole = async () =>
  expect(await stateOf(box)).toEqual(wholeState(deployed, { 'host-files': digest, 'host-files-2': '' }));
const expectNothing = async () => {
  expect(await tracesIn(box)).toBe('');
  expect((await box.sh('ls -d /opt/atomic-test /etc/atomic-test.conf /usr/local/bin/*tool*')).stdout).toBe(
    '',
  );
};

describe('an install', () => {
  const points = faultsAt(
    'prepare.begun',
    'prepare.checked-out',
    'prepare.written',
    'prepare.synced',
    'switch.marked',
    'switch.saved',
    'switch.placed',
    'switch.followers',
    'switch.units',
    'switch.reloaded',
    'switch.host-files',
    'switch.linked',
    'switch.synced',
  );

  it.each(points)('survives $kind at $point', async (fault) => {
    await failAt(fault, [...install, box.image('host-files')]);

    if (fault.kind !== 'kill') await expectNothing();
    expect(await installAll()).toMatchObject({ exitCode: 0 });
    await expectWhole();
    await box.atomic('run', NAME);
    await expectAnswer(box, deployed);
    expect(await uninstall()).toMatchObject({ exitCode: 0, stderr: '' });
    await expectNothing();
  });

  it.each(faultsAt('switch.unmarked'))(
    'is done, but for tidying up, after $kind at $point',
    async (fault) => {
      await failAt(fault, [...install, box.image('host-files')]);

      expect((await installAll()).stdout).toBe(`${NAME} already present\n`);
      await expectWhole();
      await uninstall();
    },
  );
});

describe('an uninstall', () => {
  const points = faultsAt(
    'remove.marked',
    'remove.unlinked',
    'remove.stopped',
    'remove.host-files',
    'remove.unit',
    'remove.reloaded',
    'remove.tmpfiles',
    'remove.slots',
    'remove.unmarked',
  );

  it.each(points)('of a service that runs survives $kind at $point', async (fault) => {
    await installAll();
    await box.atomic('run', NAME);

    await failAt(fault, ['atomic', 'uninstall', NAME]);

    const again = await uninstall();
    if (fault.point !== 'remove.unmarked') expect(again).toMatchObject({ exitCode: 0 });
    await expectNothing();
    expect(await installAll()).toMatchObject({ exitCode: 0 });
    await expectWhole();
    await uninstall();
  });

  it('that was killed is finished by an install of the same name', async () => {
    await installAll();
    await failAt({ point: 'remove.unlinked', kind: 'kill' }, ['atomic', 'uninstall', NAME]);

    const installed = await installAll();

    expect(installed).toMatchObject({
      exitCode: 0,
      stderr: `An earlier atomic command on '${NAME}' was cut short: removed what it had left\n`,
    });
    await expectWhole();
    await uninstall();
  });
});

describe('a pull', () => {
  const points = faultsAt(
    'pull.begun',
    'pull.layer-staged',
    'pull.layer-imported',
    'pull.layers-imported',
    'pull.image-committed',
  );

  it.each(points)('survives $kind at $point', async (fault) => {
    await box.sh('atomic -y images delete --all; atomic images prune');

    await failAt(fault, ['atomic', 'pull', box.image('many-layers')]);

    const isThere = (await box.atomic('images', 'list', '-q')).stdout !== '';
    expect(isThere).toBe(fault.point === 'pull.image-committed');
    expect(await box.atomic('pull', box.image('many-layers'))).toMatchObject({ exitCode: 0 });
    expect((await box.atomic('images', 'list')).stdout).toContain('many-layers');
    expect((await box.sh(`ls -A ${CONTAINERS}`)).stdout).toBe('.storage\n');
    await expectSoundRepository(box);
  });
});

describe('a prune', () => {
  it.each(faultsAt('prune.refs', 'prune.objects'))('survives $kind at $point', async (fault) => {
    await box.sh(`atomic pull ${box.image('many-layers')}; atomic pull ${box.image('hello-world')}`);
    await box.sh(`atomic -y images delete ${box.image('many-layers')}`);

    await failAt(fault, ['atomic', 'images', 'prune']);

    expect(await box.atomic('images', 'prune')).toMatchObject({ exitCode: 0, stderr: '' });
    await expectSoundRepository(box);
    expect((await box.atomic('images', 'list', '--all', '-q')).stdout.split('\n').length).toBe(5);
    expect(await installAll()).toMatchObject({ exitCode: 0 });
    await uninstall();
    await box.sh('atomic -y images delete --all; atomic images prune');
  });
});
