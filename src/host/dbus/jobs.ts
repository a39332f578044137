/** Has systemd start and stop units, by its own socket: a systemctl takes longer to start than a container to be changed. */
import { createConnection, type Socket } from 'node:net';
import type { Log } from '../../log.ts';
import { greeting, type Message, managerCall, takeMessage, WELCOME } from './messages.ts';

/** What systemd does of its own accord with each job, and what becomes of it: `done`, `failed`, `timeout`, … */
export type JobResult = string;

/** What is needed of a host to ask its systemd. */
export interface Caller {
  /** Where it listens for us; absent when only systemctl(1) may ask it. */
  readonly managerSocket?: string | undefined;
  readonly user: { readonly uid: number };
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Seconds until systemd has taken a call; systemctl waits as long. */
const ANSWER_SECONDS = 90;

/**
 * Has systemd start or stop a unit, and waits for the end of that job.
 *
 * @param unit with its suffix
 * @returns how the job has ended; `undefined` when systemd cannot be asked this way, refuses, or goes away meanwhile:
 *   then systemctl(1) knows more
 * @throws Interrupted when a signal arrives while waiting; the job goes on
 */
export async function runJob(
  { user, signal, log, managerSocket }: Caller,
  method: 'StartUnit' | 'StopUnit',
  unit: string,
): Promise<JobResult | undefined> {
  if (managerSocket === undefined) return undefined;
  signal.throwIfAborted();
  const began = performance.now();
  const socket = createConnection(managerSocket);
  const abort = () => socket.destroy();
  signal.addEventListener('abort', abort);
  try {
    const result = await jobOn(socket, user.uid, [method, unit]);
    log.debug({ method, unit, result, milliseconds: Math.round(performance.now() - began) }, 'ran a job');
    return result;
  } catch (error) {
    signal.throwIfAborted();
    log.debug({ method, unit, error: String(error) }, 'systemd cannot be asked directly');
    return undefined;
  } finally {
    signal.removeEventListener('abort', abort);
    socket.destroy();
  }
}

const SERIAL = 1;

async function jobOn(
  socket: Socket,
  uid: number,
  [method, unit]: [string, string],
): Promise<JobResult | undefined> {
  socket.setTimeout(ANSWER_SECONDS * 1000, () => socket.destroy());
  socket.write(greeting(uid));
  let arrived = Buffer.alloc(0);
  let isWelcome = false;
  let job: string | undefined;
  const results = new Map<string, JobResult>();
  for await (const chunk of socket) {
    arrived = Buffer.concat([arrived, chunk as Buffer]);
    if (!isWelcome) {
      const [welcome = ''] = WELCOME.exec(arrived.toString('latin1')) ?? [];
      if (welcome === '') continue;
      isWelcome = true;
      arrived = arrived.subarray(welcome.length);
      socket.write(managerCall(SERIAL, method, [unit, 'replace']));
    }
    for (let next = takeMessage(arrived); next !== undefined; next = takeMessage(arrived)) {
      arrived = Buffer.from(next.rest);
      const { message } = next;
      if (isAnswer(message) && message.kind === 'error') return undefined;
      if (isAnswer(message)) {
        [job] = message.strings;
        // from now on it takes as long as it takes
        socket.setTimeout(0);
      }
      // may come before the answer: the number of the job, its path, the unit, how it has ended
      const [path, , result] = message.member === 'JobRemoved' ? message.strings : [];
      if (path !== undefined && result !== undefined) results.set(path, result);
      if (job !== undefined && results.has(job)) return results.get(job);
    }
  }
  return undefined;
}

const isAnswer = ({ kind, replySerial }: Message) =>
  (kind === 'answer' || kind === 'error') && replySerial === SERIAL;
