/** A virtual machine in software emulation: needs no KVM, and its power can be cut. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { execa } from 'execa';
import { atExit } from '../support/at-exit.ts';

/** What is booted, and where what it needs lies. */
export interface MachineFiles {
  /** With the kernel, the initial RAM disk and the disk that test/vm/build-root makes. */
  readonly cache: string;
  /** For what this machine leaves: its disk, its console, its socket. */
  readonly directory: string;
  /** A tar archive that the machine finds as its second disk. */
  readonly payload: string;
}

/** What a command in the machine printed, on both streams, and its status. */
export interface Answer {
  readonly output: string;
  readonly exitCode: number;
}

/** Milliseconds; emulation is slow, and other machines may run beside it. */
const BOOT = 300_000;
const END = '@@END';

/** The process of qemu. */
interface Emulator {
  kill(): void;
  isRunning(): boolean;
  readonly ended: Promise<unknown>;
}

/** A machine that runs. Only one thing can be typed at a time. */
export class Machine implements AsyncDisposable {
  readonly #qemu: Emulator;
  readonly #shell: Socket;
  readonly #forget: () => void;
  #heard = '';

  private constructor(qemu: Emulator, shell: Socket) {
    this.#qemu = qemu;
    this.#shell = shell;
    this.#forget = atExit(() => qemu.kill());
    shell.on('data', (data) => {
      this.#heard += data.toString();
    });
    // the machine has been switched off: #listen says so
    shell.on('error', () => {});
  }

  /**
   * Boots the disk in `directory`, which is made when it is not there, with SELinux enforcing.
   *
   * @throws Error when no shell answers in time
   */
  static async boot(files: MachineFiles): Promise<Machine> {
    await makeDisk(files);
    const socket = join(files.directory, 'shell.socket');
    const qemu = startEmulator(files, socket);
    const machine = new Machine(qemu, await connectTo(socket, qemu));
    await machine.#listen(/@@READY\n/, BOOT);
    return machine;
  }

  /** Runs a command of bash as the administrator. */
  async sh(command: string, { timeout = 300_000 } = {}): Promise<Answer> {
    this.#shell.write(`(\n${command}\n) </dev/null 2>&1; echo; echo ${END} $?\n`);
    const match = await this.#listen(new RegExp(`([^]*)\n${END} (\\d+)\r?\n`), timeout);
    return { output: match[1] ?? '', exitCode: Number(match[2]) };
  }

  /** Types without waiting for an end. */
  type(command: string): void {
    this.#shell.write(`${command}\n`);
  }

  /** Waits for the machine to switch itself off. */
  async isOff(): Promise<void> {
    await this.#qemu.ended;
    this.#forget();
  }

  /** What a power cut does: what the kernel has not put on disk is gone. */
  async cutPower(): Promise<void> {
    this.#qemu.kill();
    await this.isOff();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cutPower();
  }

  async #listen(pattern: RegExp, timeout: number): Promise<RegExpExecArray> {
    for (const end = Date.now() + timeout; Date.now() < end; await wait(20)) {
      const match = pattern.exec(this.#heard);
      if (match !== null) {
        this.#heard = this.#heard.slice(match.index + match[0].length);
        return match;
      }
      if (this.#shell.closed) throw new Error(`the machine is off; it said: ${this.#heard}`);
    }
    throw new Error(`the machine has not answered in ${timeout / 1000} s; it said: ${this.#heard}`);
  }
}

/** The disk to change: a copy of the one that build-root has made. */
async function makeDisk({ cache, directory }: MachineFiles): Promise<void> {
  const disk = join(directory, 'disk.img');
  if (existsSync(disk)) return;
  await execa('cp', ['--reflink=auto', '--sparse=always', join(cache, 'base.img'), disk]);
}

function startEmulator(files: MachineFiles, socket: string): Emulator {
  const running = spawn('qemu-system-x86_64', qemuArguments(files, socket), {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = new Promise<void>((resolve) => {
    running.once('exit', resolve).once('error', () => resolve());
  });
  return { kill: () => running.kill('SIGKILL'), isRunning: () => running.exitCode === null, ended };
}

function qemuArguments({ cache, directory, payload }: MachineFiles, socket: string): readonly string[] {
  const kernel = 'root=/dev/vda rw console=ttyS0 quiet security=selinux selinux=1 enforcing=1';
  // cache=none: what the guest has not flushed is lost with the power
  const disk = `file=${join(directory, 'disk.img')},if=virtio,format=raw,cache=none`;
  return [
    ...['-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', '2', '-m', '2048'],
    ...['-kernel', join(cache, 'vmlinuz'), '-initrd', join(cache, 'initrd'), '-append', kernel],
    ...['-drive', disk, '-drive', `file=${payload},if=virtio,format=raw,readonly=on`],
    ...['-display', 'none', '-nic', 'none', '-no-reboot'],
    ...['-serial', `file:${join(directory, 'console.log')}`],
    ...['-chardev', `socket,id=shell,path=${socket},server=on,wait=off`, '-serial', 'chardev:shell'],
  ];
}

async function connectTo(path: string, qemu: Emulator): Promise<Socket> {
  for (let tries = 0; ; tries++) {
    const socket = connect(path);
    const isConnected = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    });
    if (isConnected) return socket;
    if (!qemu.isRunning() || tries === 300) throw new Error('qemu does not run');
    await wait(100);
  }
}
