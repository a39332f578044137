/** Updates of a service that runs are killed at random moments. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CONTAINERS, useBox } from '../support/test-box.ts';
import { isThorough } from './points.ts';
import { expectSoundRepository, NAME } from './state.ts';
import { useSwitching } from './switching.ts';

const box = useBox();
const switching = useSwitching(box);
const ROUNDS = Array.from({ length: isThorough ? 200 : 12 }, (_, index) => index + 1);
/** Seconds that an update takes. */
let duration = 0;
let midway = 0;

beforeAll(async () => {
  const begun = performance.now();
  const last = switching.next();
  await switching.update(last);
  switching.switchedTo(last);
  duration = (performance.now() - begun) / 1000;
});
afterAll(() => console.log(`${midway} of ${ROUNDS.length} kills landed midway`));

describe('an update that is killed at a random moment', () => {
  it.each(ROUNDS)('is undone or finished, round %i', async () => {
    const next = switching.next();
    const seconds = (0.1 + Math.random() * duration).toFixed(3);
    const line = `timeout --signal=KILL ${seconds} atomic containers update --set=RECEIVER=${next.receiver} --rebase=${box.image(next.image)} ${NAME}; ls -A ${CONTAINERS}`;

    const { stdout } = await box.sh(line);

    if (/^\.c\./m.test(stdout)) midway += 1;
    expect(await box.atomic('run', NAME)).toMatchObject({ exitCode: 0 });
    await switching.expectEither(next);
  });

  it('has been killed midway', async () => {
    await expectSoundRepository(box);
    expect(midway).toBeGreaterThan(0);
  });
});
