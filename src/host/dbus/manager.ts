/** A connection to systemd's own socket, by which it starts and stops units. */
import { createConnection, type Socket } from 'node:net';
import { greeting, type Message, managerCall, takeMessage, WELCOME } from './messages.ts';

/** What systemd does of its own accord with each job, and what becomes of it: `done`, `failed`, `timeout`, … */
export type JobResult = string;

/** Seconds until systemd has taken a call; systemctl waits as long. */
const ANSWER_SECONDS = 90;

/** What is asked for, and what has been heard of it. */
interface Call {
  readonly serial: number;
  readonly message: Buffer;
  /** How jobs have ended, by their paths: that may be said before the answer. */
  readonly results: Map<string, JobResult>;
  /** The path of its job, once it has been answered. */
  job?: string | undefined;
  readonly resolve: (result: JobResult | undefined) => void;
  readonly reject: (error: Error) => void;
}

/** Connects at the first call, and keeps the connection: the next call is with systemd at once. */
export class Manager implements Disposable {
  readonly #path: string;
  readonly #uid: number;
  #socket: Socket | undefined;
  #isWelcome = false;
  #arrived = Buffer.alloc(0);
  #serial = 0;
  #call: Call | undefined;

  /** @param uid who we are */
  constructor(path: string, uid: number) {
    this.#path = path;
    this.#uid = uid;
  }

  /** Whether a call is under way: there can be one at a time. */
  get isBusy(): boolean {
    return this.#call !== undefined;
  }

  /**
   * Has systemd start or stop a unit, and waits for the end of that job.
   *
   * @returns how it has ended; `undefined` when systemd refuses
   * @throws Error when it cannot be reached, goes away or does not answer
   */
  async run(method: 'StartUnit' | 'StopUnit', unit: string): Promise<JobResult | undefined> {
    const socket = this.#connected();
    const serial = ++this.#serial;
    const message = managerCall(serial, method, [unit, 'replace']);
    return await new Promise((resolve, reject) => {
      this.#call = { serial, message, results: new Map(), resolve, reject };
      socket.setTimeout(ANSWER_SECONDS * 1000);
      // as soon as possible: before this function is awaited for the first time
      if (this.#isWelcome) socket.write(message);
    });
  }

  /** Ends the connection; a call that is under way fails. */
  close(): void {
    this.#socket?.destroy();
    this.#end(new Error('the connection has been closed'));
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #connected(): Socket {
    if (this.#socket !== undefined && !this.#socket.destroyed) return this.#socket;
    const socket = createConnection(this.#path);
    this.#socket = socket;
    this.#isWelcome = false;
    this.#arrived = Buffer.alloc(0);
    socket.on('data', (chunk) => this.#take(socket, chunk));
    socket.on('timeout', () => socket.destroy());
    socket.on('error', (error) => this.#end(error));
    socket.on('close', () => {
      if (socket === this.#socket) this.#end(new Error('systemd has gone away'));
    });
    socket.write(greeting(this.#uid));
    return socket;
  }

  #end(error: Error): void {
    const call = this.#call;
    this.#call = undefined;
    call?.reject(error);
  }

  #take(socket: Socket, chunk: Buffer): void {
    this.#arrived = Buffer.concat([this.#arrived, chunk]);
    try {
      if (!this.#isWelcome) this.#takeWelcome(socket);
      if (this.#isWelcome) this.#takeMessages(socket);
    } catch (error) {
      socket.destroy(error as Error);
    }
  }

  #takeWelcome(socket: Socket): void {
    const [welcome = ''] = WELCOME.exec(this.#arrived.toString('latin1')) ?? [];
    if (welcome === '') return;
    this.#isWelcome = true;
    this.#arrived = this.#arrived.subarray(welcome.length);
    if (this.#call !== undefined) socket.write(this.#call.message);
  }

  #takeMessages(socket: Socket): void {
    for (;;) {
      const next = takeMessage(this.#arrived);
      if (next === undefined) return;
      this.#arrived = Buffer.from(next.rest);
      if (this.#call !== undefined) this.#hear(socket, this.#call, next.message);
    }
  }

  #hear(socket: Socket, call: Call, { kind, replySerial, member, strings }: Message): void {
    const isAnswer = replySerial === call.serial && (kind === 'answer' || kind === 'error');
    if (isAnswer) {
      // from now on it takes as long as it takes
      socket.setTimeout(0);
      call.job = strings[0];
    }
    // the number of the job, its path, the unit, how it has ended
    const [path, , result] = member === 'JobRemoved' ? strings : [];
    if (path !== undefined && result !== undefined) call.results.set(path, result);
    const end = call.job === undefined ? undefined : call.results.get(call.job);
    if (end === undefined && !(isAnswer && kind === 'error')) return;
    this.#call = undefined;
    call.resolve(kind === 'error' ? undefined : end);
  }
}
