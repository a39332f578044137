import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Container } from '../../../../src/containers/deployments/container.ts';
import { hasOwnUnit, tmpfilesState, unitState } from '../../../../src/containers/deployments/unit-owner.ts';
import { useDirectory } from '../../support/directory.ts';
import { createWorld, unitOf, type World } from '../../support/world.ts';

const root = useDirectory();

function world(): { host: World; container: Container } {
  const host = createWorld(mkdtempSync(join(root, 'w-')));
  return { host, container: host.container('c') };
}

describe('a unit', () => {
  it.each([
    { what: 'absent when there is none', text: undefined, owner: 'absent', isOwn: false },
    { what: 'own when a deployment has the same', text: unitOf('two'), owner: 'own', isOwn: true },
    { what: 'changed when none has', text: `${unitOf('two')}# mine\n`, owner: 'changed', isOwn: true },
  ])('is $what', ({ text, owner, isOwn }) => {
    const { host, container } = world();
    host.deploy(container, container.slots[0], { mark: 'one' });
    host.deploy(container, container.saved(1), { mark: 'two' });
    if (text !== undefined) writeFileSync(container.unit, text);

    expect(unitState(container).owner).toBe(owner);
    expect(hasOwnUnit(container)).toBe(isOwn);
  });

  it('is changed when it is masked', () => {
    const { host, container } = world();
    host.deploy(container, container.slots[0], { mark: 'one' });
    symlinkSync('/dev/null', container.unit);

    expect(unitState(container)).toEqual({ owner: 'changed', text: undefined });
  });

  it('is changed when the deployment that it runs has lost its copy', () => {
    const { host, container } = world();
    host.deploy(container, container.slots[0], { mark: 'one' });
    rmSync(join(container.slots[0], 'c.service'));
    writeFileSync(container.unit, `WorkingDirectory=${container.slots[0]}`);

    expect(unitState(container).owner).toBe('changed');
  });

  it('is foreign when no deployment has a service', () => {
    const { host, container } = world();
    host.deploy(container, container.slots[0], { mark: 'one', isService: false });
    writeFileSync(container.unit, `WorkingDirectory=${container.slots[0]}`);

    expect(unitState(container).owner).toBe('foreign');
    expect(hasOwnUnit(container)).toBe(false);
  });

  it.each([
    { what: 'own when it runs a slot', runs: true, owner: 'own' },
    { what: 'foreign otherwise', runs: false, owner: 'foreign' },
  ])('without any deployment is $what, and so is the tmpfiles.d file', ({ runs, owner }) => {
    const { container } = world();
    writeFileSync(container.unit, `WorkingDirectory=${runs ? container.slots[1] : '/'}`);
    writeFileSync(container.tmpfiles, 'd /run/x');

    expect(unitState(container).owner).toBe(owner);
    expect(tmpfilesState(container, unitState(container)).owner).toBe(owner);
  });

  it('of a slot that is a link is not looked at', () => {
    const { host, container } = world();
    const other = host.container('c.1');
    host.deploy(other, other.slots[0], { mark: 'one' });
    symlinkSync(other.slots[0], other.link);
    writeFileSync(container.unit, unitOf('one'));

    expect(unitState(container).owner).toBe('foreign');
    rmSync(container.unit);
  });
});
