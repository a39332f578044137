import { AsyncLocalStorage } from 'node:async_hooks';
import { mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Container } from '../../../../src/containers/deployments/container.ts';
import { recover } from '../../../../src/containers/transaction/recovery.ts';
import { type SwitchRequest, switchOver } from '../../../../src/containers/transaction/switch-over.ts';
import { useDirectory } from '../../support/directory.ts';
import { createWorld, unitOf, type World } from '../../support/world.ts';

const root = useDirectory();
const world = () => createWorld(mkdtempSync(join(root, 'w-')));

/** A container whose deployment `old` is active and runs, and `new` waits for its slot. */
function updatable(made: { isRunning?: boolean; tmpfiles?: string } = {}): {
  host: World;
  container: Container;
  request: SwitchRequest;
} {
  const { isRunning = true, tmpfiles } = made;
  const host = world();
  const container = host.container('c');
  host.deploy(container, container.slots[0], {
    mark: 'old',
    ...(tmpfiles === undefined ? {} : { tmpfiles }),
  });
  host.deploy(container, container.staging(1), { mark: 'new' });
  host.activate(container, container.slots[0], isRunning);
  const request = {
    operation: 'update',
    from: container.slots[0],
    to: container.slots[1],
    runtime: '/usr/bin/runc',
    keepsFailed: false,
  } as const;
  return { host, container, request };
}

const wholeAt = (container: Container, slot: 0 | 1, { runs = true } = {}) => {
  const mark = slot === 0 ? 'old' : 'new';
  return {
    link: container.slots[slot],
    unit: unitOf(mark),
    tmpfiles: `# ${mark}\n`,
    file: `file ${mark}\n`,
    runs: runs ? unitOf(mark) : undefined,
    among: slot === 0 ? ['c', 'c.0'] : ['c', 'c.0', 'c.1'],
  };
};

const tmpfilesOf = ({ root: at }: World) => `systemd-tmpfiles --create ${at}/tmpfiles/c.conf`;
const START = 'systemctl start c.service';
const STOP = 'systemctl stop c.service';
const RELOAD = 'systemctl daemon-reload';
const REENABLE = 'systemctl reenable c.service';

describe('an update', () => {
  it('lets systemd know, stops, and starts, in this order, and leaves the new deployment', async () => {
    const { host, container, request } = updatable();

    await switchOver(host.context, container, request);

    expect(host.operations).toEqual([RELOAD, tmpfilesOf(host), STOP, START]);
    expect(host.stateOf(container)).toEqual(wholeAt(container, 1));
    expect(host.lines).toEqual([
      'systemctl stop c',
      `systemd-tmpfiles --remove ${host.root}/tmpfiles/c.conf`,
      `${host.root}/host/file`,
      'systemctl daemon-reload',
      tmpfilesOf(host),
      'systemctl start c',
    ]);
  });

  it('stops and starts nothing when nothing runs', async () => {
    const { host, container, request } = updatable({ isRunning: false });

    await switchOver(host.context, container, request);

    expect(host.operations).toEqual([RELOAD, tmpfilesOf(host)]);
    expect(host.stateOf(container)).toEqual(wholeAt(container, 1, { runs: false }));
  });

  it('removes what the old deployment marks for removal once it has been stopped', async () => {
    const { host, container, request } = updatable({ tmpfiles: 'R /run/x\n' });

    await switchOver(host.context, container, request);

    const of = (slot: string) => `${slot}/tmpfiles-c.conf`;
    expect(host.operations).toEqual([
      RELOAD,
      tmpfilesOf(host),
      STOP,
      `systemd-tmpfiles --remove ${of(container.slots[0])}`,
      `systemd-tmpfiles --create ${of(container.slots[1])}`,
      START,
    ]);
  });
});

/** What is done when a step fails just after it: the step before the stop, between stop and start, after the start. */
const before = (host: World) => [RELOAD, tmpfilesOf(host)];
const BACK: readonly { point: string; operations: (host: World) => readonly string[] }[] = [
  { point: 'switch.marked', operations: () => [] },
  { point: 'switch.saved', operations: () => [] },
  { point: 'switch.placed', operations: () => [] },
  { point: 'switch.copied', operations: () => [] },
  { point: 'switch.followers', operations: () => [] },
  { point: 'switch.units', operations: (host) => [REENABLE, tmpfilesOf(host)] },
  { point: 'switch.reloaded', operations: (host) => [...before(host), REENABLE, tmpfilesOf(host)] },
  ...['switch.noted'].map((point) => ({
    point,
    operations: (host: World) => [...before(host), REENABLE, tmpfilesOf(host), START],
  })),
  ...['switch.stopped', 'switch.tmpfiles', 'switch.host-files', 'switch.linked'].map((point) => ({
    point,
    operations: (host: World) => [...before(host), STOP, REENABLE, tmpfilesOf(host), START],
  })),
  ...['switch.started', 'switch.synced'].map((point) => ({
    point,
    operations: (host: World) => [...before(host), STOP, START, STOP, REENABLE, tmpfilesOf(host), START],
  })),
];

describe('a rollback', () => {
  it('takes the same steps, with the deployment that is there', async () => {
    const { host, container, request } = updatable();
    await switchOver(host.context, container, request);
    const begun = host.operations.length;
    const back = { ...request, operation: 'rollback', from: request.to, to: request.from } as const;

    await switchOver(host.context, container, { ...back, to: container.slots[0] });

    expect(host.operations.slice(begun)).toEqual([RELOAD, tmpfilesOf(host), STOP, START]);
    expect(host.stateOf(container)).toEqual({ ...wholeAt(container, 0), among: ['c', 'c.0', 'c.1'] });
  });
});

describe('a neighbour that shares the root file system', () => {
  it('is stopped and started, too, and runs on the new one', async () => {
    const { host, container, request } = updatable();
    const far = host.container('far');
    host.deploy(far, far.slots[0], { mark: 'far', remote: container.link });
    symlinkSync(far.slots[0], far.link);
    writeFileSync(far.unit, unitOf('far'));
    host.running.set(far.service, unitOf('far'));

    await switchOver(host.context, container, request);

    const [stop, start] = ['stop', 'start'].map((verb) => `systemctl ${verb} far.service`);
    expect(host.operations).toEqual([RELOAD, tmpfilesOf(host), STOP, stop, START, start]);
    expect(JSON.parse(readFileSync(join(far.slots[0], 'config.json'), 'utf8')).root.path).toBe(
      join(container.slots[1], 'rootfs'),
    );
  });

  it('and is damaged is named, and is nobody else’s business', async () => {
    const { host, container, request } = updatable();
    const far = host.container('far');
    host.deploy(far, far.slots[0], { mark: 'far', remote: container.link });
    symlinkSync(far.slots[0], far.link);
    writeFileSync(join(far.slots[0], 'config.json'), '');

    await switchOver(host.context, container, request);

    expect(host.stateOf(container)).toMatchObject({ link: container.slots[1], runs: unitOf('new') });
    expect(host.lines[0]).toMatch(/^Container 'far' cannot follow/);
  });
});

describe.concurrent('an update that fails just after', () => {
  it.each(BACK)('$point leaves the old deployment', async ({ point, operations }) => {
    const { host, container, request } = updatable();

    await expect(switchOver(host.faulty(point, 'EIO'), container, request)).rejects.toThrow(
      `EIO: a fault at ${point}`,
    );

    expect(host.operations).toEqual(operations(host));
    expect(host.stateOf(container)).toEqual(wholeAt(container, 0));
  });

  it.each(BACK)('$point leaves no container when it is an install', async ({ point }) => {
    const host = world();
    const container = host.container('c');
    host.deploy(container, container.staging(0), { mark: 'old' });
    const request = {
      ...updatable().request,
      operation: 'install',
      from: undefined,
      to: container.slots[0],
    } as const;

    const outcome = switchOver(host.faulty(point, 'EIO'), container, request);

    if (point === 'switch.noted') await outcome;
    else {
      await expect(outcome).rejects.toThrow(`a fault at ${point}`);
      expect(host.stateOf(container)).toEqual({ among: [] });
    }
  });
});

/** What a test wants to know of its own kill, though many run at once. */
const onKill = new AsyncLocalStorage<() => void>();

beforeAll(() => {
  vi.spyOn(process, 'kill').mockImplementation(() => {
    onKill.getStore()?.();
    return true;
  });
});

afterAll(() => {
  vi.restoreAllMocks();
});

/** As after a kill at this point: whatever would have come after it never comes. */
async function killedAt(host: World, point: string, work: (context: World['context']) => Promise<void>) {
  await new Promise<void>((resolve) => {
    onKill.run(resolve, () => void work(host.faulty(point, 'kill')).catch(() => undefined));
  });
}

describe.concurrent('the next command after an update that was killed just after', () => {
  const old = BACK.filter(
    ({ point }) => !['switch.linked', 'switch.started', 'switch.synced'].includes(point),
  );

  it.each(old)('$point goes back to the old deployment', async ({ point }) => {
    const { host, container, request } = updatable();
    await killedAt(host, point, async (context) => await switchOver(context, container, request));

    await recover(host.context, container);

    expect(host.stateOf(container)).toEqual(wholeAt(container, 0));
    expect(host.lines.at(-1)).toBe(
      `An earlier atomic command on 'c' was cut short: finished the deployment ${container.slots[0]}`,
    );
  });

  it.each(['switch.linked', 'switch.started', 'switch.synced'])(
    '%s goes on with the new one',
    async (point) => {
      const { host, container, request } = updatable();
      await killedAt(host, point, async (context) => await switchOver(context, container, request));

      await recover(host.context, container);

      expect(host.stateOf(container)).toEqual(wholeAt(container, 1));
    },
  );

  it.each(['switch.linked', 'switch.stopped'])(
    '%s runs what the link points to, though somebody started what was loaded',
    async (point) => {
      const { host, container, request } = updatable();
      await killedAt(host, point, async (context) => await switchOver(context, container, request));
      host.running.set(container.service, unitOf('another'));

      await recover(host.context, container);

      expect(host.stateOf(container)).toEqual(wholeAt(container, point === 'switch.linked' ? 1 : 0));
    },
  );
});
