/** Rollbacks of a service that runs are cut short: it is the old or the new deployment, whole, and goes on. */
import { describe, expect, it } from 'vitest';
import { useBox } from '../support/test-box.ts';
import { faultsAt, faulty } from './points.ts';
import { NAME } from './state.ts';
import { BEFORE, STEPS, settle, useSwitching } from './switching.ts';

const box = useBox();
const switching = useSwitching(box);

describe('a rollback of a service that runs', () => {
  it.each(faultsAt(...BEFORE, ...STEPS))('survives $kind at $point', async (fault) => {
    const next = switching.previous();

    const outcome = await faulty(box, ['atomic', 'containers', 'rollback', NAME], fault);

    await settle(box, switching, { fault, outcome, next });
    const last = switching.next();
    expect(await switching.update(last)).toMatchObject({ exitCode: 0, stderr: '' });
    switching.switchedTo(last);
    await switching.expectWhole();
  });
});
