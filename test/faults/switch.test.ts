/** Updates and rollbacks that are cut short: the container is the old or the new one, whole, and goes on. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Outcome } from '../support/box.ts';
import { useBox } from '../support/test-box.ts';
import { type Fault, faultsAt, faulty, isThorough } from './points.ts';
import {
  type Deployed,
  expectAnswer,
  expectSoundRepository,
  IMAGES,
  type Image,
  NAME,
  stateOf,
  wholeState,
} from './state.ts';

const box = useBox();
const digests: Record<Image, string> = { 'host-files': '', 'host-files-2': '' };
/** What is deployed now, and in the other slot. */
let current: Deployed = { image: 'host-files-2', receiver: 'two' };
let previous: Deployed = { image: 'host-files', receiver: 'one' };
let count = 0;

beforeAll(async () => {
  for (const image of IMAGES) await box.atomic('pull', box.image(image));
  await box.atomic('install', '--system', `--name=${NAME}`, '--set=RECEIVER=one', box.image('host-files'));
  await box.atomic('run', NAME);
  digests['host-files'] = (await stateOf(box)).digest ?? '';
  await update(current);
  digests['host-files-2'] = (await stateOf(box)).digest ?? '';
  expect(await stateOf(box)).toEqual(wholeState(current, digests));
});

afterAll(async () => {
  expect(await box.atomic('uninstall', NAME)).toMatchObject({ exitCode: 0, stderr: '' });
  expect((await box.sh('ls -A /var/lib/containers/atomic; ls -d /opt/atomic-test')).stdout).toBe(
    '.storage\n',
  );
});

async function update(to: Deployed, fault?: Fault): Promise<Outcome> {
  const options = [`--set=RECEIVER=${to.receiver}`, `--rebase=${box.image(to.image)}`];
  const argv = ['atomic', 'containers', 'update', ...options, NAME];
  return fault === undefined ? await box.run(argv) : await faulty(box, argv, fault);
}

/** Other files and another value than what is deployed. */
function nextDeployed(): Deployed {
  count += 1;
  return {
    image: current.image === 'host-files' ? 'host-files-2' : 'host-files',
    receiver: `number-${count}`,
  };
}

/** After a kill it is for the next command to find out which of the two it is; after an error it is as it was. */
async function settle(fault: Fault, outcome: Outcome, next: Deployed): Promise<void> {
  expect(outcome.exitCode).not.toBe(0);
  if (fault.kind === 'kill' || fault.point === 'switch.unmarked') {
    expect(await box.atomic('run', NAME)).toMatchObject({ exitCode: 0 });
  } else if (fault.kind !== 'hang') {
    expect(outcome.stderr).toContain(`a fault at ${fault.point}`);
  }
  const state = await stateOf(box);
  const isNext = state.receiver === next.receiver;
  if (fault.kind !== 'kill' && fault.point !== 'switch.unmarked') expect(isNext).toBe(false);
  if (isNext) [current, previous] = [next, current];
  expect(state).toEqual(wholeState(current, digests));
  await expectAnswer(box, current);
}

const BEFORE = ['switch.marked'] as const;
const STEPS = [
  'switch.followers',
  'switch.units',
  'switch.reloaded',
  'switch.noted',
  'switch.stopped',
  'switch.tmpfiles',
  'switch.host-files',
  'switch.linked',
  'switch.started',
  'switch.synced',
  'switch.unmarked',
] as const;
const UPDATE_STEPS = [
  'prepare.begun',
  'prepare.checked-out',
  'prepare.written',
  'prepare.synced',
  ...BEFORE,
  'switch.saved',
  'switch.placed',
  ...STEPS,
] as const;

describe('an update of a service that runs', () => {
  it.each(faultsAt(...UPDATE_STEPS))('survives $kind at $point', async (fault) => {
    const next = nextDeployed();

    await settle(fault, await update(next, fault), next);
    expect(await box.atomic('containers', 'rollback', NAME)).toMatchObject({ exitCode: 0, stderr: '' });
    [current, previous] = [previous, current];
    expect(await stateOf(box)).toEqual(wholeState(current, digests));
  });
});

describe('a rollback of a service that runs', () => {
  it.each(faultsAt(...BEFORE, ...STEPS))('survives $kind at $point', async (fault) => {
    const next = previous;

    const outcome = await faulty(box, ['atomic', 'containers', 'rollback', NAME], fault);

    await settle(fault, outcome, next);
    const last = nextDeployed();
    expect(await update(last)).toMatchObject({ exitCode: 0, stderr: '' });
    [previous, current] = [current, last];
    expect(await stateOf(box)).toEqual(wholeState(current, digests));
  });
});

describe('an update that is killed at a random moment', () => {
  const rounds = isThorough ? 200 : 12;

  it(`is undone or finished, ${rounds} times`, { timeout: rounds * 20_000 }, async () => {
    let midway = 0;
    const begun = performance.now();
    const last = nextDeployed();
    await update(last);
    [current, previous] = [last, current];
    const duration = (performance.now() - begun) / 1000;
    for (let round = 0; round < rounds; round++) {
      const next = nextDeployed();
      const seconds = (0.1 + Math.random() * duration).toFixed(3);
      const line = `timeout --signal=KILL ${seconds} atomic containers update --set=RECEIVER=${next.receiver} --rebase=${box.image(next.image)} ${NAME}; ls -A /var/lib/containers/atomic`;
      const { stdout } = await box.sh(line);
      if (/^\.c\./m.test(stdout)) midway += 1;
      const recovered = await box.atomic('run', NAME);

      expect(recovered.exitCode).toBe(0);
      const state = await stateOf(box);
      if (state.receiver === next.receiver) [current, previous] = [next, current];
      expect(state).toEqual(wholeState(current, digests));
      await expectAnswer(box, current);
    }
    await expectSoundRepository(box);
    console.log(`${midway} of ${rounds} kills landed midway`);
    expect(midway).toBeGreaterThan(0);
  });
});
