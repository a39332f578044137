/** Updates of a service that runs are cut short: it is the old or the new deployment, whole, and goes on. */
import { describe, expect, it } from 'vitest';
import { CONTAINERS, useBox } from '../support/test-box.ts';
import { faultsAt, faulty } from './points.ts';
import { NAME } from './state.ts';
import { BEFORE, STEPS, settle, useSwitching } from './switching.ts';

const box = useBox();
const switching = useSwitching(box);

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
    const next = switching.next();

    const outcome = await switching.update(next, fault);

    await settle(box, switching, { fault, outcome, next });
    expect(await box.atomic('containers', 'rollback', NAME)).toMatchObject({ exitCode: 0, stderr: '' });
    switching.switchedTo(switching.previous());
    await switching.expectWhole();
  });
});

describe('a recovery that goes back, because the new deployment does not start', () => {
  it.each(['recover.staged', 'recover.linked', 'recover.host-files'] as const)(
    'is finished by the next one after a kill at %s',
    async (point) => {
      await switching.update(switching.next(), { point: 'switch.settled', kind: 'kill' });
      await box.type(
        `cd ${CONTAINERS}/${NAME} && jq '.process.args = ["/nowhere"]' config.json > new && mv new config.json && systemctl stop ${NAME}`,
      );

      await faulty(box, ['atomic', 'run', NAME], { point, kind: 'kill' });

      expect(await box.atomic('run', NAME)).toMatchObject({ exitCode: 0 });
      await switching.expectWhole();
    },
  );
});
