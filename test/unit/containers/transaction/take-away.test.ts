import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Container } from '../../../../src/containers/deployments/container.ts';
import { mark } from '../../../../src/containers/transaction/marker.ts';
import { recover } from '../../../../src/containers/transaction/recovery.ts';
import { takeAway } from '../../../../src/containers/transaction/take-away.ts';
import { useDirectory } from '../../support/directory.ts';
import { createWorld, type World } from '../../support/world.ts';

const root = useDirectory();

/** A container that runs, with a marker that says that it is being uninstalled. */
async function installed(): Promise<{
  host: World;
  container: Container;
  remove: () => Promise<readonly string[]>;
}> {
  const host = createWorld(mkdtempSync(join(root, 'w-')));
  const container = host.container('c');
  host.deploy(container, container.slots[0], { mark: 'one', tmpfiles: 'R /run/x\n' });
  host.activate(container, container.slots[0], true);
  await mark(container, { operation: 'uninstall', runtime: '/usr/bin/runc', from: container.slots[0] });
  const removal = {
    runtime: '/usr/bin/runc',
    deployed: container.slots.slice(0, 1),
    remover: 'rpm',
  } as const;
  return { host, container, remove: async () => await takeAway(host.context, container, removal) };
}

const NOTHING = { among: [] };

describe('takeAway', () => {
  it('disables, removes and reloads, in this order, and leaves nothing', async () => {
    const { host, container, remove } = await installed();

    expect(await remove()).toEqual([]);

    expect(host.operations).toEqual([
      'systemctl disable --now --no-reload c.service',
      'systemctl daemon-reload',
      `systemd-tmpfiles --remove ${container.tmpfiles}`,
    ]);
    expect(host.stateOf(container)).toEqual(NOTHING);
  });

  it('goes on when systemd fails', async () => {
    const { host, container, remove } = await installed();
    host.failing.set('systemctl', 9);

    expect(await remove()).toEqual([]);
    expect(host.stateOf(container)).toMatchObject({ among: [], unit: undefined, file: undefined });
  });

  it('leaves a unit and a tmpfiles.d file that somebody has changed, and carries nothing out', async () => {
    const { host, container, remove } = await installed();
    for (const path of [container.unit, container.tmpfiles]) writeFileSync(path, 'mine');

    await remove();

    expect(host.stateOf(container)).toMatchObject({ among: [], unit: 'mine', tmpfiles: 'mine' });
    expect(host.operations).not.toContain(`systemd-tmpfiles --remove ${container.tmpfiles}`);
    expect(host.lines).toContain(`Will not delete ${container.unit} as it was manually modified.`);
  });

  it('never touches a container that is called as a slot would be', async () => {
    const { host, container, remove } = await installed();
    const other = host.container('c.1');
    mkdirSync(other.slots[0]);
    symlinkSync(other.slots[0], other.link);

    await remove();

    expect(host.stateOf(container)).toMatchObject({ among: ['c.1', 'c.1.0'] });
  });
});

const POINTS = [
  'remove.unlinked',
  'remove.stopped',
  'remove.host-files',
  'remove.unit',
  'remove.reloaded',
  'remove.tmpfiles',
  'remove.slots',
];

describe('a removal that fails just after', () => {
  it.each(POINTS)('%s is finished by the next command', async (point) => {
    const { host, container } = await installed();
    const removal = { runtime: '/usr/bin/runc', deployed: [container.slots[0]], remover: 'rpm' } as const;
    await expect(takeAway(host.faulty(point, 'EIO'), container, removal)).rejects.toThrow(
      `a fault at ${point}`,
    );

    await recover(host.context, container);

    expect(host.stateOf(container)).toEqual(NOTHING);
    expect(host.lines.at(-1)).toBe(
      "An earlier atomic command on 'c' was cut short: removed what it had left",
    );
  });
});
