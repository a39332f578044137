import { cpSync, existsSync, readlinkSync } from 'node:fs';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Container } from '../../../../src/containers/deployments/container.ts';
import { type Deployment, readDeployment } from '../../../../src/containers/deployments/deployment.ts';
import { removeHostFiles } from '../../../../src/containers/placement/remove.ts';
import { settleHostFiles, undoHostFiles } from '../../../../src/containers/placement/settle.ts';
import { stageOnHost } from '../../../../src/containers/placement/stage-on-host.ts';
import { swapHostFiles } from '../../../../src/containers/placement/swap.ts';
import { Directory } from '../../../../src/host/files/directory.ts';
import { MEMORY, useDirectory, useEmptyDirectory } from '../../support/directory.ts';
import { containerIn, install, pointTo, prepare, type Tree, type World, worldIn } from './world.ts';

/** A process that is killed writes no journal either. */
const process = vi.hoisted(() => ({ isDead: false }));
vi.mock(import('../../../../src/containers/host-files/journal.ts'), async (original) => {
  const journal = await original();
  const requireAlive = () => {
    if (process.isDead) throw new Error('killed');
  };
  return {
    ...journal,
    writeJournal: async (...args) => {
      requireAlive();
      await journal.writeJournal(...args);
    },
    removeJournal: async (...args) => {
      requireAlive();
      await journal.removeJournal(...args);
    },
  };
});

const directory = useEmptyDirectory(MEMORY);
let world: World;
afterEach(() => {
  revive();
});

const OLD: Tree = {
  '/etc/app.conf': 'old',
  '/opt/app/link': '-> old',
  '/opt/app/only-old': 'x',
  '/opt/app/same': 'same',
  '/opt/gone/only-old': 'y',
  '/var/empty-old/': '',
};
const NEW: Tree = {
  '/etc/app.conf': 'new',
  '/opt/app/link': '-> new',
  '/opt/app/only-new': 'z',
  '/opt/app/same': 'same',
  '/opt/new/deep/only-new': 'w',
  '/var/empty-new/': '',
};
/** What is somebody else's, and has to be there at any time. */
const THEIRS: Tree = { '/etc/hosts': 'theirs', '/opt/app/theirs': 'theirs' };

/** Everything that changes a host. */
const CALLS = ['make', 'link', 'rename', 'unlink', 'rmdir'] as const;

/** Makes the call number `at` fail, and with `isKilled` all after it; counts them. */
function failing(at: number, isKilled: boolean): { count: number } {
  const calls = { count: 0 };
  for (const method of CALLS) {
    const real = Directory.prototype[method] as (...args: unknown[]) => unknown;
    vi.spyOn(Directory.prototype, method).mockImplementation(function (this: Directory, ...args: unknown[]) {
      calls.count += 1;
      process.isDead ||= isKilled && calls.count >= at;
      if (calls.count === at || process.isDead)
        throw Object.assign(new Error(`EIO: call ${at}, ${method}`), { code: 'EIO' });
      return real.apply(this, args) as never;
    });
  }
  return calls;
}

function revive(): void {
  vi.restoreAllMocks();
  process.isDead = false;
}

interface Change {
  readonly container: Container;
  readonly from: Deployment;
  readonly to: Deployment;
}

/** The same for all: made once, since it takes longer than what is tried on it. */
const template = useDirectory(MEMORY);
beforeAll(async () => {
  const made = worldIn(template);
  made.put(THEIRS);
  const from = await install(made, 'app', OLD);
  await prepare(made, containerIn(made, 'app'), { slot: 1, tree: NEW, current: from });
});

/** A container with the old deployment on the host, and the new one prepared. */
function halfWay(place: string): Change {
  cpSync(template, place, { recursive: true, verbatimSymlinks: true });
  world = worldIn(place);
  const container = containerIn(world, 'app');
  const [from, to] = container.slots.map((path) => readDeployment('app', path)) as [Deployment, Deployment];
  pointTo(container, from);
  return { container, from, to };
}

async function change({ container, from, to }: Change): Promise<void> {
  await stageOnHost(world.context, container, { to, destination: to.path, installed: [from] });
  pointTo(container, to);
  await swapHostFiles(world.context, container);
  await settleHostFiles(world.context, container);
}

/** What the next command does; returns the files that have to be there. */
async function recover({ container, to }: Change): Promise<Tree> {
  if (readlinkSync(container.link) !== to.path) {
    await undoHostFiles(world.context, container);
    return { ...OLD, ...THEIRS };
  }
  await swapHostFiles(world.context, container);
  await settleHostFiles(world.context, container);
  return { ...NEW, ...THEIRS };
}

/** The number of calls of a whole change. */
async function countCalls(): Promise<number> {
  const whole = halfWay(`${directory}/whole`);
  const calls = failing(0, false);
  await change(whole);
  revive();
  expect(world.host()).toEqual({ ...NEW, ...THEIRS });
  return calls.count;
}

describe('a change of host files', () => {
  it('that is killed at any call is finished or undone by the next command', async () => {
    const total = await countCalls();
    const outcomes = new Set<string>();

    for (let at = 1; at <= total; at += 1) {
      const cut = halfWay(`${directory}/kill-${at}`);
      failing(at, true);
      await change(cut).catch(() => undefined);
      revive();

      const want = await recover(cut);

      expect({ at, host: world.host() }).toEqual({ at, host: want });
      expect({ at, journal: existsSync(cut.container.hostFiles) }).toEqual({ at, journal: false });
      outcomes.add(want['/etc/app.conf'] ?? '');
    }
    expect(total).toBeGreaterThan(50);
    expect([...outcomes]).toEqual(['old', 'new']);
  });

  it('in which any call fails is undone at once, or made later', async () => {
    const total = await countCalls();

    for (let at = 1; at <= total; at += 1) {
      const failed = halfWay(`${directory}/fail-${at}`);
      failing(at, false);
      const error = await change(failed).then(
        () => undefined,
        (reason: Error) => reason,
      );
      revive();
      if (error !== undefined) pointTo(failed.container, failed.from);

      const want = await recover(failed);

      expect({ at, host: world.host() }).toEqual({ at, host: want });
    }
  });

  it('leaves nothing behind when a call fails once while it is settled, or its container goes', async () => {
    for (let at = 1; ; at += 1) {
      const { container, from, to } = halfWay(`${directory}/settle-${at}`);
      await stageOnHost(world.context, container, { to, destination: to.path, installed: [from] });
      pointTo(container, to);
      await swapHostFiles(world.context, container);
      const calls = failing(at, false);
      await settleHostFiles(world.context, container);
      if (calls.count >= at) expect({ at, host: world.host() }).toEqual({ at, host: { ...NEW, ...THEIRS } });
      pointTo(container, undefined);
      await removeHostFiles(world.context, container, [to]);
      revive();

      expect({ at, host: world.host() }).toEqual({ at, host: THEIRS });
      if (calls.count < at) break;
    }
  });

  it('can be undone when it has been made, and be made again', async () => {
    const { container, from, to } = halfWay(`${directory}/made`);
    await stageOnHost(world.context, container, { to, destination: to.path, installed: [from] });
    await swapHostFiles(world.context, container);
    expect(hostWithoutAsides()).toEqual({ ...NEW, ...THEIRS, '/var/empty-old/': '' });

    await undoHostFiles(world.context, container);

    expect(world.host()).toEqual({ ...OLD, ...THEIRS });
    await change({ container, from, to });
    expect(world.host()).toEqual({ ...NEW, ...THEIRS });
  });

  it('whose undoing is killed at any call is undone by the next command', async () => {
    for (let at = 1; ; at += 1) {
      const { container, from, to } = halfWay(`${directory}/undo-${at}`);
      await stageOnHost(world.context, container, { to, destination: to.path, installed: [from] });
      await swapHostFiles(world.context, container);
      const calls = failing(at, true);
      await undoHostFiles(world.context, container).catch(() => undefined);
      revive();

      await undoHostFiles(world.context, container);

      expect({ at, host: world.host() }).toEqual({ at, host: { ...OLD, ...THEIRS } });
      if (calls.count < at) break;
    }
  });
});

/** The host while a change is under way. */
function hostWithoutAsides(): Tree {
  return Object.fromEntries(Object.entries(world.host()).filter(([path]) => !path.includes('/.atomic-')));
}
