/** A registry that misbehaves: what a proxy in front of a real one makes of its answers. */
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Misbehaviour =
  /** Answers requests whose path matches with this status. */
  | { readonly path: RegExp; readonly status: number }
  /** Ends the connection in the middle of the answer. */
  | { readonly path: RegExp; readonly isCut: true }
  /** Changes the last byte of the answer. */
  | { readonly path: RegExp; readonly isChanged: true }
  /** Answers only then. */
  | { readonly path: RegExp; readonly after: Promise<void> };

export interface BadRegistry extends AsyncDisposable {
  /** `127.0.0.1:PORT` */
  readonly address: string;
}

/** Starts the proxy; `upstream` is the address of the real registry. */
export async function startBadRegistry(upstream: string, misbehaviour: Misbehaviour): Promise<BadRegistry> {
  const server = createServer((incoming, outgoing) =>
    forward(upstream, misbehaviour, { incoming, outgoing }),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** https://github.com/opencontainers/distribution-spec/blob/main/spec.md#error-codes */
const CODES: Readonly<Record<number, string>> = {
  401: 'UNAUTHORIZED',
  404: 'MANIFEST_UNKNOWN',
  429: 'TOOMANYREQUESTS',
};

function forward(
  upstream: string,
  bad: Misbehaviour,
  { incoming, outgoing }: { incoming: IncomingMessage; outgoing: ServerResponse },
): void {
  const isBad = bad.path.test(incoming.url ?? '');
  if (isBad && 'status' in bad) {
    const errors = [{ code: CODES[bad.status] ?? 'UNKNOWN', message: 'out of order' }];
    outgoing.writeHead(bad.status).end(JSON.stringify({ errors }));
    return;
  }
  if (isBad && 'after' in bad) {
    void bad.after.then(() => relay(upstream, undefined, { incoming, outgoing }));
    return;
  }
  relay(upstream, isBad ? bad : undefined, { incoming, outgoing });
}

/** Hands on what the real registry answers, changed or cut if need be. */
function relay(
  upstream: string,
  bad: Misbehaviour | undefined,
  { incoming, outgoing }: { incoming: IncomingMessage; outgoing: ServerResponse },
): void {
  const [host, port] = upstream.split(':');
  const { method, url, headers } = incoming;
  request({ host, port, method, path: url, headers }, (answer) => {
    const parts: Buffer[] = [];
    answer.on('data', (part: Buffer) => parts.push(part));
    answer.on('end', () => {
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
      const body = Buffer.concat(parts);
      if (bad === undefined || body.length === 0) outgoing.end(body);
      else if ('isCut' in bad) outgoing.write(body.subarray(0, body.length / 2), () => outgoing.destroy());
      else outgoing.end(Buffer.concat([body.subarray(0, -1), Buffer.from([(body.at(-1) ?? 0) ^ 1])]));
    });
  }).end();
}
