import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { Interrupted } from '../../../../src/errors.ts';
import { type Caller, openManager, runJob } from '../../../../src/host/dbus/jobs.ts';
import { managerCall, takeMessage } from '../../../../src/host/dbus/messages.ts';
import { useDirectory } from '../../support/directory.ts';

const root = useDirectory();
let server: Server | undefined;
afterEach(() => server?.close());

/** A host whose systemd does what is given with each connection. */
async function hostWith(
  name: string,
  onConnection: (socket: Socket) => void,
): Promise<[Caller, AbortController]> {
  const managerSocket = join(root, name);
  server = createServer(onConnection);
  await new Promise<void>((resolve) => server?.listen(managerSocket, resolve));
  const interrupt = new AbortController();
  const host = { user: { uid: 0 }, signal: interrupt.signal, log: { debug: () => undefined }, managerSocket };
  return [host, interrupt];
}

describe('a message', () => {
  const call = managerCall(7, 'StopUnit', ['ünit.service', 'replace']);

  it('is read as it was written, however it arrives', () => {
    expect(takeMessage(call.subarray(0, 15))).toBeUndefined();
    expect(takeMessage(call.subarray(0, call.length - 1))).toBeUndefined();
    const taken = takeMessage(Buffer.concat([call, Buffer.from('more')]));
    expect(taken?.message).toMatchObject({ member: 'StopUnit', strings: ['ünit.service', 'replace'] });
    expect(taken?.rest.toString()).toBe('more');
  });

  it('of another kind is refused', () => {
    expect(() => takeMessage(Buffer.alloc(32, 0xff))).toThrow(RangeError);
  });
});

describe('a job', () => {
  it('cannot be run this way where nobody listens, or by who may not', async () => {
    const host = { signal: new AbortController().signal, log: { debug: () => undefined }, user: { uid: 0 } };
    expect(await runJob(host as unknown as Caller, 'StopUnit', 'c.service')).toBeUndefined();
    const nobody = { ...host, managerSocket: join(root, 'nobody') } as unknown as Caller;
    expect(await runJob(nobody, 'StopUnit', 'c.service')).toBeUndefined();
  });

  it('is left to systemctl when systemd goes away, or says what is no message', async () => {
    const [gone] = await hostWith('gone', (socket) => socket.end());
    expect(await runJob(gone, 'StopUnit', 'c.service')).toBeUndefined();
    const [odd] = await hostWith('odd', (socket) =>
      socket.once('data', () =>
        socket.write(Buffer.concat([Buffer.from('OK 00\r\n'), Buffer.alloc(99, 0xff)])),
      ),
    );
    expect(await runJob(odd, 'StopUnit', 'c.service')).toBeUndefined();
  });

  it('shares a connection with the one before, and gets another when that has ended', async () => {
    const seen: string[] = [];
    let connections = 0;
    const [host] = await hostWith('kept', (socket) => {
      connections += 1;
      socket.on('data', (bytes) => {
        if (bytes[0] === 0) socket.write('OK 00\r\n');
        const called = takeMessage(bytes[0] === 0 ? bytes.subarray(bytes.length) : bytes);
        if (called === undefined) return;
        seen.push(called.message.strings[0] ?? '');
        if (called.message.strings[0] === 'gone.service') socket.destroy();
      });
    });
    using manager = openManager(host);
    const ask = async (unit: string) => await runJob({ ...host, manager }, 'StopUnit', unit);

    expect(await ask('gone.service')).toBeUndefined();
    const both = [ask('a.service'), ask('b.service')];
    await expect.poll(() => seen.length).toBe(3);
    manager?.close();
    server?.close();
    expect(connections).toBe(3);
    expect(await both[0]).toBeUndefined();
    expect(seen.toSorted()).toEqual(['a.service', 'b.service', 'gone.service']);
  });

  it('is not waited for after an interrupt', async () => {
    const [host, interrupt] = await hostWith('slow', () => interrupt.abort(new Interrupted('SIGTERM')));
    await expect(runJob(host, 'StopUnit', 'c.service')).rejects.toThrow(Interrupted);
  });
});
