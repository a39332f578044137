/** System calls that fail: the container is the old or the new one, whole, and the error says which file it was. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Outcome } from '../support/box.ts';
import { tracesIn, useBox } from '../support/test-box.ts';
import { randomFrom, SEED } from './cut-moments.ts';
import { CALLS, type Call, type CallOn, callsOf, ERRORS, withError } from './injection.ts';
import { isThorough } from './points.ts';
import { type Deployed, IMAGES, type Image, NAME, stateOf, wholeState } from './state.ts';

const box = useBox();
const random = randomFrom(SEED);
const counts = { injected: 0, failed: 0 };
const digests: Record<Image, string> = { 'host-files': '', 'host-files-2': '' };
/** What is deployed now, and in the other slot. */
let current: Deployed = { image: 'host-files-2', receiver: 'two' };
let previous: Deployed = { image: 'host-files', receiver: 'one' };
let generation = 0;

const install = (image: Image, receiver: string) => [
  'install',
  '--system',
  `--name=${NAME}`,
  `--set=RECEIVER=${receiver}`,
  box.image(image),
];
const update = ({ image, receiver }: Deployed) => [
  'containers',
  'update',
  `--set=RECEIVER=${receiver}`,
  `--rebase=${box.image(image)}`,
  NAME,
];
const HOST_FILES = '/opt/atomic-test /etc/*atomic-test.conf* /usr/local/bin/*tool*';
const rollback = ['containers', 'rollback', NAME];
const uninstall = ['uninstall', NAME];

/** Other files and another value than what is deployed. */
function something(): Deployed {
  generation += 1;
  return { image: current.image === 'host-files' ? 'host-files-2' : 'host-files', receiver: `${generation}` };
}

beforeAll(async () => {
  for (const image of IMAGES) await box.atomic('pull', box.image(image));
});
afterAll(() => {
  const { injected, failed } = counts;
  console.log(`${injected} system calls failed, and ${failed} commands with them; POWER_CUT_SEED=${SEED}`);
});

/** The kinds of calls that are tried: all of them, or some. */
const TRIED = isThorough ? CALLS : [...CALLS].sort(() => random() - 0.5).slice(0, 4);

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

/** Runs a command in which a system call fails; the error has to name the file, or what it is a temporary file of. */
async function inject(argv: readonly string[], injection: Injection): Promise<Outcome> {
  const outcome = await withError(box, argv, injection);
  counts.injected += 1;
  if (outcome.exitCode === 0) return outcome;
  counts.failed += 1;
  expect.soft(outcome.stderr, inWords(injection)).toMatch(/^[^\n]*('\/'|\/(?!proc\/)[\w.-]+)[^\n]*$/m);
  return outcome;
}

/** What could not be tidied up does not stay for good. */
async function expectNextChange(): Promise<void> {
  const next = something();
  expect(await box.atomic(...update(next))).toMatchObject({ exitCode: 0, stderr: '' });
  [current, previous] = [next, current];
  expect(await stateOf(box)).toEqual(wholeState(current, digests));
}

/** A thorough run tries hundreds of calls of a kind. */
const LIMIT = isThorough ? 1_800_000 : 300_000;

/** What cannot be put back, or tidied up, is named, and left to the next command. */
const isLeft = ({ stderr }: Outcome) => /tries again|cannot remove/.test(stderr);

describe.each([
  { what: 'an update', to: () => something(), argv: update },
  { what: 'a rollback', to: () => previous, argv: () => rollback },
])('$what of a service that runs', ({ to, argv }) => {
  let calls: readonly CallOn[] = [];

  beforeAll(async () => {
    await box.atomic(...install('host-files', 'one'));
    await box.atomic('run', NAME);
    digests['host-files'] = (await stateOf(box)).digest ?? '';
    current = { image: 'host-files-2', receiver: 'two' };
    previous = { image: 'host-files', receiver: 'one' };
    await box.atomic(...update(current));
    digests['host-files-2'] = (await stateOf(box)).digest ?? '';
    const next = to();
    calls = await callsOf(box, argv(next));
    [current, previous] = [next, current];
    expect(await stateOf(box)).toEqual(wholeState(current, digests));
  });
  afterAll(async () => {
    await box.atomic('uninstall', NAME);
  });

  it.each(TRIED)(
    'survives errors of %s',
    async (call) => {
      for (const injection of injectionsAt(call, calls)) {
        const next = to();
        const outcome = await inject(argv(next), injection);
        if (isLeft(outcome)) expect(await box.atomic('run', NAME)).toMatchObject({ exitCode: 0 });
        const state = await stateOf(box);
        const isNext = outcome.exitCode === 0 || (isLeft(outcome) && state.receiver === next.receiver);
        if (isNext) [current, previous] = [next, current];
        if (outcome.stderr.includes('cannot remove')) {
          await expectNextChange();
          continue;
        }
        expect.soft(state, `${inWords(injection)}: ${outcome.stderr}`).toEqual(wholeState(current, digests));
      }
    },
    LIMIT,
  );
});

describe.each([
  { what: 'an install', argv: () => install('host-files', 'one'), isThere: false },
  { what: 'an uninstall', argv: () => uninstall, isThere: true },
])('$what', ({ argv, isThere }) => {
  let calls: readonly CallOn[] = [];
  const begin = async () => {
    if (!isThere) return;
    await box.atomic(...install('host-files', 'one'));
    await box.atomic('run', NAME);
  };
  /** What is left of the container, without host files that have been named as such. */
  const traces = async (named = '') => {
    const files = (await box.sh(`find ${HOST_FILES} ! -type d -o -type d -empty`)).stdout.trim().split('\n');
    const silent = files.filter((file) => !named.includes(file));
    await box.sh(`rm -rf ${HOST_FILES}`);
    return (await tracesIn(box)) + silent.join('\n');
  };

  beforeAll(async () => {
    await begin();
    calls = await callsOf(box, argv());
    await box.atomic(...uninstall);
    expect(await traces()).toBe('');
  });

  it.each(TRIED)(
    'survives errors of %s',
    async (call) => {
      for (const injection of injectionsAt(call, calls)) {
        await begin();
        const outcome = await inject(argv(), injection);
        const about = `${inWords(injection)}: ${outcome.stderr}`;
        const isUndone = !isThere && outcome.exitCode !== 0 && !isLeft(outcome);
        if (isUndone) expect.soft(await traces(outcome.stderr), about).toBe('');
        const again = await box.atomic(...uninstall);
        expect.soft(await traces(outcome.stderr + again.stderr), `${about}${again.stderr}`).toBe('');
      }
    },
    LIMIT,
  );
});
