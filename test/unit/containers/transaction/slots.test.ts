import { mkdirSync, mkdtempSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { activePath, type Container } from '../../../../src/containers/deployments/container.ts';
import {
  placeDeployment,
  pointTo,
  requireUsableSlot,
  settleSlots,
} from '../../../../src/containers/transaction/slots.ts';
import { useDirectory } from '../../support/directory.ts';
import { createWorld, type World } from '../../support/world.ts';

const root = useDirectory();

/** A container with directories, each of which holds a file that is called as the directory was at the beginning. */
function withDirectories(...names: readonly string[]): {
  host: World;
  container: Container;
  all: () => string[];
} {
  const host = createWorld(mkdtempSync(join(root, 'w-')));
  const container = host.container('c');
  for (const name of names) {
    mkdirSync(join(container.directory, name));
    writeFileSync(join(container.directory, name, `was-${name}`), '');
  }
  const shown = (name: string) => `${name}: ${readdirSync(join(container.directory, name)).join(' ')}`;
  return { host, container, all: () => readdirSync(container.directory).sort().map(shown) };
}

const STAGING = `.c.1.new-${process.pid}`;

describe('a deployment that is placed', () => {
  it('keeps what the slot held until the change is settled', async () => {
    const { host, container, all } = withDirectories('c.0', 'c.1', STAGING);
    await pointTo(container, container.slots[0]);

    await placeDeployment(host.context, container, 1);

    expect(all()).toEqual(['.c.1.old: was-c.1', 'c: was-c.0', 'c.0: was-c.0', `c.1: was-${STAGING}`]);
  });

  it('stays when the link points to it', async () => {
    const { host, container, all } = withDirectories('c.0', 'c.1', STAGING);
    await placeDeployment(host.context, container, 1);
    await pointTo(container, container.slots[1]);

    await settleSlots(host.context, container);

    expect(all()).toEqual([`c: was-${STAGING}`, 'c.0: was-c.0', `c.1: was-${STAGING}`]);
  });

  it.each([
    {
      what: 'another',
      before: ['c.0', 'c.1', STAGING],
      after: ['c: was-c.0', 'c.0: was-c.0', 'c.1: was-c.1'],
    },
    { what: 'nothing', before: ['c.0', STAGING], after: ['c: was-c.0', 'c.0: was-c.0'] },
  ])('makes room again for $what when the link does not', async ({ before, after }) => {
    const { host, container, all } = withDirectories(...before);
    await pointTo(container, container.slots[0]);
    await placeDeployment(host.context, container, 1);

    await settleSlots(host.context, container);

    expect(all()).toEqual(after);
  });

  it('takes away what any process has left of its staging, and nothing of containers with such names', async () => {
    const { host, container, all } = withDirectories(
      '.c.0.new-4711',
      '.c.0.new-a.pending',
      '.c.0.new-1.0.old',
    );

    await settleSlots(host.context, container);

    expect(all()).toEqual([
      '.c.0.new-1.0.old: was-.c.0.new-1.0.old',
      '.c.0.new-a.pending: was-.c.0.new-a.pending',
    ]);
  });
});

describe('requireUsableSlot', () => {
  it('refuses a slot that is a container of its own', () => {
    const { container } = withDirectories('c.1.0');
    symlinkSync('c.1.0', container.slots[1]);

    expect(() => requireUsableSlot(container, 1)).toThrow('that is a container of its own');
    expect(() => requireUsableSlot(container, 0)).not.toThrow();
  });

  it('refuses one of which an earlier deployment could not be removed', () => {
    const { container } = withDirectories('.c.1.old');

    expect(() => requireUsableSlot(container, 1)).toThrow(`${container.saved(1)} could not be removed`);
  });
});

describe('pointTo', () => {
  it('replaces the link, and a dangling one', async () => {
    const { container } = withDirectories('c.0', 'c.1');
    symlinkSync('nowhere', container.link);

    for (const slot of container.slots) {
      await pointTo(container, slot);
      expect(activePath(container)).toBe(slot);
    }
    await pointTo(container, undefined);
    expect(activePath(container)).toBeUndefined();
  });
});
