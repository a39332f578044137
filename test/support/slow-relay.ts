/** A way to a server on this machine that takes as long as one through a network. */
import { connect, createServer, type Socket } from 'node:net';

export interface SlowRelay extends AsyncDisposable {
  /** `127.0.0.1:PORT` */
  readonly address: string;
}

/** Relays connections to `address`: each round trip takes `milliseconds`, also the one that opens a connection. */
export async function slowRelay(address: string, milliseconds: number): Promise<SlowRelay> {
  const [host = '', port] = address.split(':');
  const server = createServer((near) => {
    const openAt = performance.now() + milliseconds;
    const far = connect(Number(port), host);
    forward(near, far, { openAt, delay: milliseconds / 2 });
    forward(far, near, { openAt, delay: milliseconds / 2 });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('no port');
  return {
    address: `127.0.0.1:${bound.port}`,
    [Symbol.asyncDispose]: async () => await new Promise((resolve) => server.close(() => resolve())),
  };
}

/** On this machine, the connection is open before a packet could have come back. */
function forward(from: Socket, to: Socket, { openAt, delay }: { openAt: number; delay: number }): void {
  const later = (action: () => void) => setTimeout(action, Math.max(0, openAt - performance.now()) + delay);
  from.on('data', (bytes) => later(() => to.write(bytes)));
  from.on('error', () => to.destroy());
  from.on('close', () => later(() => to.end()));
}
