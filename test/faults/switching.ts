/** A service that goes to and fro between two deployments, and what is known of them. */
import { afterAll, beforeAll, expect } from 'vitest';
import type { Outcome } from '../support/box.ts';
import { CONTAINERS, type TestBox } from '../support/test-box.ts';
import { type Fault, faulty } from './points.ts';
import { type Deployed, expectAnswer, IMAGES, type Image, NAME, stateOf, wholeState } from './state.ts';

export interface Switching {
  /** What is deployed in the other slot. */
  previous(): Deployed;
  /** Other files and another value than what is deployed. */
  next(): Deployed;
  /** Notes that `to` is what is deployed now. */
  switchedTo(to: Deployed): void;
  /** Updates the container; with a fault, if one is given. */
  update(to: Deployed, fault?: Fault): Promise<Outcome>;
  /** Fails unless the host is exactly as what is deployed makes it. */
  expectWhole(): Promise<void>;
  /** {@link expectWhole}, of what was deployed or of `next`, and says whether it is `next`. */
  expectEither(next: Deployed): Promise<boolean>;
}

/** Installs the service, starts it and updates it once, before the tests of the file; uninstalls it after them. */
export function useSwitching(box: TestBox): Switching {
  const digests: Record<Image, string> = { 'host-files': '', 'host-files-2': '' };
  let current: Deployed = { image: 'host-files-2', receiver: 'two' };
  let previous: Deployed = { image: 'host-files', receiver: 'one' };
  let count = 0;

  const expectWhole = async () => expect(await stateOf(box)).toEqual(wholeState(current, digests));
  const switchedTo = (to: Deployed) => {
    [current, previous] = [to, current];
  };
  const update = async (to: Deployed, fault?: Fault) => {
    const options = [`--set=RECEIVER=${to.receiver}`, `--rebase=${box.image(to.image)}`];
    const argv = ['atomic', 'containers', 'update', ...options, NAME];
    return fault === undefined ? await box.run(argv) : await faulty(box, argv, fault);
  };

  beforeAll(async () => {
    for (const image of IMAGES) await box.atomic('pull', box.image(image));
    await box.atomic('install', '--system', `--name=${NAME}`, '--set=RECEIVER=one', box.image('host-files'));
    await box.atomic('run', NAME);
    digests['host-files'] = (await stateOf(box)).digest ?? '';
    await update(current);
    digests['host-files-2'] = (await stateOf(box)).digest ?? '';
    await expectWhole();
  });
  afterAll(async () => {
    expect(await box.atomic('uninstall', NAME)).toMatchObject({ exitCode: 0, stderr: '' });
    expect((await box.sh(`ls -A ${CONTAINERS}; ls -d /opt/atomic-test`)).stdout).toBe('.storage\n');
  });

  return {
    previous: () => previous,
    next: () => {
      count += 1;
      const image = current.image === 'host-files' ? 'host-files-2' : 'host-files';
      return { image, receiver: `number-${count}` };
    },
    switchedTo,
    update,
    expectWhole,
    expectEither: async (next) => {
      const state = await stateOf(box);
      const isNext = state.receiver === next.receiver;
      if (isNext) switchedTo(next);
      expect(state).toEqual(wholeState(current, digests));
      await expectAnswer(box, current);
      return isNext;
    },
  };
}

/** Where every switch from one deployment to the other passes. */
export const BEFORE = ['switch.marked'] as const;
export const STEPS = [
  'switch.copied',
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
  'switch.settled',
  'switch.unmarked',
] as const;

/** After a kill it is for the next command to find out which of the two it is; after an error it is as it was. */
export async function settle(
  box: TestBox,
  switching: Switching,
  { fault, outcome, next }: { fault: Fault; outcome: Outcome; next: Deployed },
): Promise<void> {
  const isOpen = fault.kind === 'kill' || ['switch.settled', 'switch.unmarked'].includes(fault.point);
  expect(outcome.exitCode).not.toBe(0);
  if (isOpen) expect(await box.atomic('run', NAME)).toMatchObject({ exitCode: 0 });
  else if (fault.kind !== 'hang') expect(outcome.stderr).toContain(`a fault at ${fault.point}`);
  const isNext = await switching.expectEither(next);
  if (!isOpen) expect(isNext).toBe(false);
}
