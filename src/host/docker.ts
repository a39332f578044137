/** Asks the Docker engine over its socket (https://docs.docker.com/engine/api); read-only. */
import { existsSync } from 'node:fs';
import type { IncomingMessage, RequestOptions } from 'node:http';
import * as z from 'zod/mini';
import { AtomicError, isErrno } from '../errors.ts';
import type { Host } from './host.ts';
import { isHeldByInitAlone } from './socket-owner.ts';

const DEFAULT_SOCKET = '/var/run/docker.sock';
const DEFAULT_PORT = 2375;
/** How long the engine may take to say that it is there, in milliseconds: nobody wants to wait for one that hangs. */
const GREETING_TIME = 500;
/** How long it may take to answer then, in milliseconds. */
const ANSWER_TIME = 5000;

const Container = z.looseObject({
  Id: z.string(),
  /** Each with a slash before it; with more slashes, it is what a link calls the container. */
  Names: z.nullish(z.array(z.string())),
  /** As given to `docker run`, or the id when that name has moved on. */
  Image: z.string(),
  ImageID: z.string(),
  Command: z.string(),
  /** In seconds since the epoch. */
  Created: z.number(),
  State: z.string(),
});

const Image = z.looseObject({
  Id: z.string(),
  RepoTags: z.nullish(z.array(z.string())),
  RepoDigests: z.nullish(z.array(z.string())),
  /** In seconds since the epoch. */
  Created: z.number(),
  /** In bytes, with all layers, uncompressed. */
  Size: z.number(),
});

export type EngineContainer = z.infer<typeof Container>;
export type EngineImage = z.infer<typeof Image>;

/** An engine that has answered; all its methods throw AtomicError when it ceases to. */
export interface Engine {
  /** All containers, also those that do not run. */
  containers(): Promise<readonly EngineContainer[]>;
  /** @param isAll also the images that others were built from */
  images(isAll: boolean): Promise<readonly EngineImage[]>;
  /** Whether there is a container of that name, or whose id begins so. */
  hasContainer(name: string): Promise<boolean>;
  hasImage(name: string): Promise<boolean>;
  /** The id of an image that has to be there: the digest of its configuration or of its manifest. */
  imageId(name: string): Promise<string>;
}

/**
 * Finds the engine of `DOCKER_HOST`, or of the usual socket.
 *
 * @returns `undefined` when there is none, it is not for us to talk to, or it would only be started by our asking
 * @throws AtomicError when there is one that does not answer
 */
export async function findEngine(host: Host): Promise<Engine | undefined> {
  const address = addressOf(host.env.DOCKER_HOST);
  if (address === undefined || isAsleep(address)) return undefined;
  const connection = { address, signal: host.signal };
  try {
    await ask(connection, '/_ping', GREETING_TIME);
  } catch (error) {
    if (error instanceof AtomicError && isErrno(error.cause, 'ENOENT', 'ECONNREFUSED', 'EACCES', 'EPERM'))
      return undefined;
    throw error;
  }
  return engineAt(connection);
}

/** Whether only systemd listens on a socket, to start the engine at the first call. */
function isAsleep({ options }: Address): boolean {
  return 'socketPath' in options && isHeldByInitAlone(options.socketPath);
}

function engineAt(connection: Connection): Engine {
  const has = async (path: string) => (await ask(connection, path)).status === 200;
  return {
    containers: async () => parse(z.array(Container), await ask(connection, '/containers/json?all=1')),
    images: async (isAll) =>
      parse(z.array(Image), await ask(connection, `/images/json?all=${Number(isAll)}`)),
    hasContainer: async (name) => await has(`/containers/${encodeURIComponent(name)}/json`),
    hasImage: async (name) => await has(`/images/${encodeURIComponent(name)}/json`),
    imageId: async (name) =>
      parse(
        z.looseObject({ Id: z.string() }),
        await ask(connection, `/images/${encodeURIComponent(name)}/json`),
      ).Id,
  };
}

interface Address {
  /** For messages. */
  readonly shownAs: string;
  /** For `http.request`. */
  readonly options: { readonly socketPath: string } | { readonly host: string; readonly port: number };
}

interface Connection {
  readonly address: Address;
  readonly signal: AbortSignal;
}

/**
 * Where `DOCKER_HOST` says that the engine is; `undefined` for a socket that is not there.
 *
 * @throws AtomicError for what we do not speak
 */
export function addressOf(text: string | undefined): Address | undefined {
  const shownAs = text || `unix://${DEFAULT_SOCKET}`;
  const [, scheme, rest = ''] = /^(unix|tcp|http):\/\/(.+)$/.exec(shownAs) ?? [];
  if (scheme === 'unix') return existsSync(rest) ? { shownAs, options: { socketPath: rest } } : undefined;
  // of a URL of HTTP's, the port 80 would be lost
  const url = `tcp://${rest}`;
  if (scheme === undefined || !URL.canParse(url))
    throw new AtomicError(`cannot ask the Docker engine at ${shownAs}`, {
      hint: "DOCKER_HOST has to begin with 'unix://' or 'tcp://'",
    });
  // an IPv6 address is in brackets in a URL, and nowhere else
  const { hostname, port } = new URL(url);
  const host = hostname.replaceAll(/[[\]]/g, '');
  return { shownAs, options: { host, port: Number(port) || DEFAULT_PORT } };
}

interface Answer {
  readonly status: number | undefined;
  readonly text: string;
  /** The question, for messages. */
  readonly path: string;
  readonly shownAs: string;
}

async function ask(
  { address, signal }: Connection,
  path: string,
  milliseconds = ANSWER_TIME,
): Promise<Answer> {
  const { shownAs, options } = address;
  const timeout = AbortSignal.timeout(milliseconds);
  const either = AbortSignal.any([signal, timeout]);
  try {
    const response = await get({ ...options, path, signal: either, agent: false });
    const parts: string[] = [];
    for await (const part of response.setEncoding('utf8')) parts.push(String(part));
    return { status: response.statusCode, text: parts.join(''), path, shownAs };
  } catch (error) {
    signal.throwIfAborted();
    const reason = timeout.aborted ? `no answer within ${milliseconds} ms` : (error as Error).message;
    throw new AtomicError(`cannot ask the Docker engine at ${shownAs}: ${reason}`, { cause: error });
  }
}

/** The module for HTTP is loaded only where there is an engine. */
async function get(options: RequestOptions): Promise<IncomingMessage> {
  const http = await import('node:http');
  return await new Promise((resolve, reject) => http.get(options, resolve).on('error', reject));
}

function parse<Type>(schema: z.ZodMiniType<Type>, { status, text, path, shownAs }: Answer): Type {
  const wrong = (what: string, cause?: unknown) =>
    new AtomicError(`the Docker engine at ${shownAs} answers ${path} with ${what}`, { cause });
  if (status !== 200) throw wrong(`the status ${status}`);
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    throw wrong('something that is not a list', error);
  }
}
