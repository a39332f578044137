/** A box for the tests of one file, and what they ask it most. */
import { basename, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, inject } from 'vitest';
import { type Box, type BoxOptions, bootBox, type Outcome, PROJECT, type RunOptions } from './box.ts';

export interface TestBox {
  /** Runs `atomic` with these arguments. */
  atomic(...argv: readonly string[]): Promise<Outcome>;
  run(argv: readonly string[], options?: RunOptions): Promise<Outcome>;
  sh(line: string, options?: RunOptions): Promise<Outcome>;
  /** Makes a server on 127.0.0.1 of the host, `127.0.0.1:PORT`, one of the box as well. */
  reach(address: string): Promise<void>;
  /** Types a line of shell that has to succeed, and returns what it says. */
  type(line: string): Promise<string>;
  /** The text of a file in the box, which has to be there. */
  file(path: string): Promise<string>;
  /** Whether a unit of the system is active. */
  isActive(unit: string): Promise<boolean>;
  /** The full name of a fixture image. */
  image(name: string): string;
}

/** Where root's containers are. */
export const CONTAINERS = '/var/lib/containers/atomic';

/** Everything that a container could leave behind: deployments, units, tmpfiles, runtime state, temporary folders. */
const TRACES =
  'ls -A /var/lib/containers/atomic | grep -v "^.storage$"; runc list --quiet; ls /run/container-*.pid 2>/dev/null; ' +
  'find /etc/tmpfiles.d /etc/systemd/system -type f';

/** Minutes after which no further test of a file begins: whatever hangs in it, the run goes on. */
const LIMIT = process.env.FAULTS === 'all' ? 240 : 25;

/** Boots a box before the tests of the file, and powers it off after them. */
export function useBox(options: Pick<BoxOptions, 'isOstreeHost'> = {}): TestBox {
  let box: Box | undefined;
  const end = performance.now() + LIMIT * 60_000;
  beforeEach(() => {
    if (performance.now() > end) throw new Error(`the tests of this file have run for ${LIMIT} minutes`);
  });
  beforeAll(async () => {
    box = await bootBox({ registry: inject('registry'), record: recordOfFile(), ...options });
  });
  afterAll(async () => {
    await box?.[Symbol.asyncDispose]();
  });
  const up = (): Box => {
    if (box === undefined) throw new Error('the box is not up');
    return box;
  };
  return {
    atomic: async (...argv) => await up().run(['atomic', ...argv]),
    run: async (argv, options) => await up().run(argv, options),
    sh: async (line, options) => await up().sh(line, options),
    reach: async (address) => await up().reach(address),
    type: async (line) => succeeded(line, await up().sh(line)),
    file: async (path) => succeeded(`cat ${path}`, await up().run(['cat', path])),
    isActive: async (unit) => (await up().run(['systemctl', 'is-active', '--quiet', unit])).exitCode === 0,
    image: (name) => `${inject('registry')}/${name}`,
  };
}

/** For what is kept of the box of the test file that runs. */
function recordOfFile(): string {
  return join(PROJECT, '.cache/boxes', basename(expect.getState().testPath ?? '', '.test.ts'));
}

function succeeded(line: string, { stdout, stderr, exitCode }: Outcome): string {
  if (exitCode === 0) return stdout;
  throw new Error(`'${line}' ended with ${exitCode}:\n${stdout}${stderr}`);
}

/** The traces of containers in a box, as text; equal texts mean that nothing came and nothing went. */
export async function tracesIn(box: TestBox): Promise<string> {
  return (await box.sh(TRACES)).stdout;
}

/** Installs a container unless it is there: for tests that leave it as it was. */
export async function installOnce(box: TestBox, name: string, ...argv: readonly string[]): Promise<void> {
  const { exitCode } = await box.run(['test', '-L', `${CONTAINERS}/${name}`]);
  if (exitCode !== 0) await box.atomic('install', '--system', `--name=${name}`, ...argv);
}

/** Uninstalls all containers of root, also those that others need. */
export async function uninstallAll(box: TestBox): Promise<void> {
  await box.sh(
    `cd ${CONTAINERS} && for c in *; do if [ -L "$c" ]; then atomic uninstall --force "$c"; fi; done`,
  );
}

/** Waits until a command succeeds, and returns what it said last. */
export async function eventually(box: Pick<TestBox, 'sh'>, line: string, seconds = 60): Promise<Outcome> {
  const quoted = line.replaceAll("'", "'\\''");
  return await box.sh(
    `for i in $(seq ${seconds * 10}); do sh -c '${quoted}' && exit 0; sleep 0.1; done; exit 1`,
  );
}
