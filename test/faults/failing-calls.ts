/** Commands in which one system call fails, and what has to be true of the container then. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Outcome } from '../support/box.ts';
import { type TestBox, tracesIn } from '../support/test-box.ts';
import { randomFrom, SEED } from './cut-moments.ts';
import { CALLS, type Call, type CallOn, callsOf, ERRORS, withError } from './injection.ts';
import { isThorough } from './points.ts';
import { type Deployed, IMAGES, type Image, NAME, stateOf, wholeState } from './state.ts';

const random = randomFrom(SEED);

/** The kinds of calls that are tried: all of them, or some. */
const TRIED = isThorough ? CALLS : [...CALLS].sort(() => random() - 0.5).slice(0, 4);

/** A thorough run tries hundreds of calls of a kind. */
const LIMIT = isThorough ? 3_600_000 : 300_000;

const HOST_FILES = '/opt/atomic-test /etc/*atomic-test.conf* /usr/local/bin/*tool*';

interface Injection extends CallOn {
  readonly error: string;
}

/** All calls of a kind, in a thorough run, else one of them. */
function injectionsAt(call: Call, calls: readonly CallOn[]): readonly Injection[] {
  const all = calls.filter((one) => one.call === call);
  const picked = all[Math.floor(random() * all.length)];
  const chosen = isThorough ? all : picked === undefined ? [] : [picked];
  const errors = ERRORS[call];
  return chosen.map((one) => ({ ...one, error: errors[all.indexOf(one) % errors.length] ?? 'EIO' }));
}

const inWords = ({ call, path, nth, error }: Injection) => `${error} at ${call} ${nth} of ${path}`;

/** What cannot be put back, or tidied up, is named, and left to the next command. */
const isLeft = ({ stderr }: Outcome) => /tries again|cannot remove/.test(stderr);

/** Runs a command in which a system call fails; the error has to name the file, or what it is a temporary file of. */
type Inject = (argv: readonly string[], injection: Injection) => Promise<Outcome>;

function useInjections(box: TestBox): Inject {
  const counts = { injected: 0, failed: 0 };
  afterAll(() => {
    const { injected, failed } = counts;
    console.log(`${injected} system calls failed, and ${failed} commands with them; POWER_CUT_SEED=${SEED}`);
  });
  return async (argv, injection) => {
    const outcome = await withError(box, argv, injection);
    counts.injected += 1;
    if (outcome.exitCode === 0) return outcome;
    counts.failed += 1;
    expect.soft(outcome.stderr, inWords(injection)).toMatch(/^[^\n]*('\/'|\/(?!proc\/)[\w.-]+)[^\n]*$/m);
    return outcome;
  };
}

const install = (box: TestBox, image: Image, receiver: string) => [
  'install',
  '--system',
  `--name=${NAME}`,
  `--set=RECEIVER=${receiver}`,
  box.image(image),
];
const update = (box: TestBox, { image, receiver }: Deployed) => [
  'containers',
  'update',
  `--set=RECEIVER=${receiver}`,
  `--rebase=${box.image(image)}`,
  NAME,
];
const ROLLBACK = ['containers', 'rollback', NAME];
const UNINSTALL = ['uninstall', NAME];

/** Makes calls of an update, or of a rollback, of a service that runs fail: it has the old or the new deployment. */
export function testSwitches(box: TestBox, { command }: { command: 'update' | 'rollback' }): void {
  const inject = useInjections(box);
  const digests: Record<Image, string> = { 'host-files': '', 'host-files-2': '' };
  let calls: readonly CallOn[] = [];
  /** What is deployed now, and in the other slot. */
  let current: Deployed = { image: 'host-files-2', receiver: 'two' };
  let previous: Deployed = { image: 'host-files', receiver: 'one' };
  let generation = 0;

  /** Other files and another value than what is deployed. */
  const something = (): Deployed => {
    generation += 1;
    const image = current.image === 'host-files' ? 'host-files-2' : 'host-files';
    return { image, receiver: `${generation}` };
  };
  const next = () => (command === 'update' ? something() : previous);
  const argvTo = (to: Deployed) => (command === 'update' ? update(box, to) : ROLLBACK);
  const switchedTo = (to: Deployed) => {
    [current, previous] = [to, current];
  };

  /** What could not be tidied up does not stay for good. */
  const expectNextChange = async () => {
    const to = something();
    expect(await box.atomic(...update(box, to))).toMatchObject({ exitCode: 0, stderr: '' });
    switchedTo(to);
    expect(await stateOf(box)).toEqual(wholeState(current, digests));
  };
  const survive = async (injection: Injection) => {
    const to = next();
    const outcome = await inject(argvTo(to), injection);
    if (isLeft(outcome)) expect(await box.atomic('run', NAME)).toMatchObject({ exitCode: 0 });
    const state = await stateOf(box);
    if (outcome.exitCode === 0 || (isLeft(outcome) && state.receiver === to.receiver)) switchedTo(to);
    if (outcome.stderr.includes('cannot remove')) return await expectNextChange();
    expect.soft(state, `${inWords(injection)}: ${outcome.stderr}`).toEqual(wholeState(current, digests));
  };

  beforeAll(async () => {
    for (const image of IMAGES) await box.atomic('pull', box.image(image));
    await box.atomic(...install(box, previous.image, previous.receiver));
    await box.atomic('run', NAME);
    digests['host-files'] = (await stateOf(box)).digest ?? '';
    await box.atomic(...update(box, current));
    digests['host-files-2'] = (await stateOf(box)).digest ?? '';
    const to = next();
    calls = await callsOf(box, argvTo(to));
    switchedTo(to);
    expect(await stateOf(box)).toEqual(wholeState(current, digests));
  });

  describe(`the ${command} of a service that runs`, () => {
    it.each(TRIED)(
      'survives errors of %s',
      async (call) => {
        for (const injection of injectionsAt(call, calls)) await survive(injection);
      },
      LIMIT,
    );
  });
}

/** Makes calls of an install, or of an uninstall, fail: nothing is left of the container that has not been named. */
export function testPresence(box: TestBox, { command }: { command: 'install' | 'uninstall' }): void {
  const inject = useInjections(box);
  const argv = command === 'install' ? install(box, 'host-files', 'one') : UNINSTALL;
  let calls: readonly CallOn[] = [];

  const begin = async () => {
    if (command === 'install') return;
    await box.atomic(...install(box, 'host-files', 'one'));
    await box.atomic('run', NAME);
  };
  /** What is left of the container, without host files that have been named as such. */
  const traces = async (named = '') => {
    const files = (await box.sh(`find ${HOST_FILES} ! -type d -o -type d -empty`)).stdout.trim().split('\n');
    const silent = files.filter((file) => !named.includes(file));
    await box.sh(`rm -rf ${HOST_FILES}`);
    return (await tracesIn(box)) + silent.join('\n');
  };
  const survive = async (injection: Injection) => {
    await begin();
    const outcome = await inject(argv, injection);
    const about = `${inWords(injection)}: ${outcome.stderr}`;
    const isUndone = command === 'install' && outcome.exitCode !== 0 && !isLeft(outcome);
    if (isUndone) expect.soft(await traces(outcome.stderr), about).toBe('');
    const again = await box.atomic(...UNINSTALL);
    expect.soft(await traces(outcome.stderr + again.stderr), `${about}${again.stderr}`).toBe('');
  };

  beforeAll(async () => {
    await box.atomic('pull', box.image('host-files'));
    await begin();
    calls = await callsOf(box, argv);
    await box.atomic(...UNINSTALL);
    expect(await traces()).toBe('');
  });

  describe(`an ${command}`, () => {
    it.each(TRIED)(
      'survives errors of %s',
      async (call) => {
        for (const injection of injectionsAt(call, calls)) await survive(injection);
      },
      LIMIT,
    );
  });
}
