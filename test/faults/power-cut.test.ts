/** Power cuts: what the disk holds at any instant boots into the old or the new deployment, and keeps what was reported. */
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Box, bootBox } from '../support/box.ts';
import { type Disk, type DiskOptions, FILE_SYSTEMS, makeDisk } from '../support/disk.ts';
import { type Expectation, type Facts, factsOf, isMidway, NEIGHBOUR, problemsOf } from './after-cut.ts';
import { cutDuring, randomFrom, SEED, type TimedCut } from './cut-moments.ts';
import { isThorough } from './points.ts';
import { NAME } from './state.ts';

const random = randomFrom(SEED);
/** Cuts while a command runs; one more comes when it is done. */
const CUTS = Number(process.env.POWER_CUTS ?? (isThorough ? 5 : 2));
const ALL = FILE_SYSTEMS.flatMap((fileSystem) =>
  (['one', 'two'] as const).map((partitions) => ({ fileSystem, partitions })),
);
const chosen = ALL[Math.floor(random() * ALL.length)] as DiskOptions;
const DISKS = isThorough ? ALL : [chosen];

const image = (name: string) => `${inject('registry')}/${name}`;
const update = (name: string, receiver: string) =>
  `atomic containers update --set=RECEIVER=${receiver} --rebase=${image(name)} ${NAME}`;

/** In this order, each on what the one before left; `next` makes what the next one needs. */
const COMMANDS: readonly { name: string; line: () => string; next?: () => string }[] = [
  { name: 'a pull', line: () => `atomic pull ${image('many-layers')}` },
  {
    name: 'an install',
    line: () => `atomic install --system --name=${NAME} --set=RECEIVER=one ${image('host-files')}`,
    next: () => `atomic run ${NAME}`,
  },
  { name: 'an update', line: () => update('host-files-2', 'two') },
  { name: 'a rollback', line: () => `atomic containers rollback ${NAME}` },
  { name: 'an update over an old deployment', line: () => update('host-files', 'three') },
  { name: 'a tag', line: () => `atomic images tag ${image('many-layers')} further:name` },
  { name: 'a delete', line: () => `atomic -y images delete ${image('many-layers')}` },
  { name: 'a delete of the last name', line: () => 'atomic -y images delete further:name' },
  { name: 'a prune', line: () => 'atomic images prune' },
  { name: 'an uninstall', line: () => `atomic uninstall ${NAME}` },
];

const counts = { cuts: 0, running: 0, midway: 0, bad: 0 };
afterAll(() => {
  console.log(
    `${counts.cuts} power cuts: ${counts.running} while a command ran, ${counts.midway} midway; ${counts.bad} bad; POWER_CUT_SEED=${SEED}`,
  );
});

describe.each(DISKS)('on $fileSystem, $partitions file system(s)', (options) => {
  let disk: Disk;
  let box: Box;
  let before: Facts;

  beforeAll(async () => {
    disk = await makeDisk(options);
    box = await bootBox({ registry: inject('registry'), storage: disk.storage });
    for (const name of ['host-files', 'host-files-2']) await box.run(['atomic', 'pull', image(name)]);
    await box.sh(
      `atomic install --system --name=${NEIGHBOUR} --set=PORT=8082 ${image('hello-world-2')}; atomic run ${NEIGHBOUR}; sync`,
    );
    before = await factsOf(box);
  });
  afterAll(async () => {
    await box?.[Symbol.asyncDispose]();
    await disk?.[Symbol.asyncDispose]();
  });

  it.each(COMMANDS)(
    '$name leaves the old or the new',
    { timeout: CUTS * 60_000 },
    async ({ name, line, next }) => {
      const { outcome, cuts } = await cutDuring({ box, disk, random }, { name, line: line(), count: CUTS });
      expect(outcome).toMatchObject({ exitCode: 0 });
      const after = await factsOf(box);
      const problems = await inTurns(cuts, (cut) =>
        problemsAfter(cut, { before, after, isAfter: cut.isAfter }),
      );
      if (next !== undefined) await box.sh(next());
      await box.sh('sync');
      before = after;
      expect(problems.flat()).toEqual([]);
    },
  );
});

/** Boots what a cut left, and looks for what is wrong with it. */
async function problemsAfter(timed: TimedCut, expectation: Expectation): Promise<readonly string[]> {
  await using cut = timed.cut;
  const storage = await cut.mount();
  const found: string[] = [];
  const box = await bootBox({ storage });
  try {
    const wasMidway = await isMidway(box);
    found.push(...(await problemsOf(box, expectation)));
    counts.cuts += 1;
    if (!timed.isAfter) counts.running += 1;
    if (wasMidway) counts.midway += 1;
    if (found.length > 0) counts.bad += 1;
  } finally {
    await box[Symbol.asyncDispose]();
  }
  const moment = timed.isAfter ? 'after success' : `after ${Math.round(timed.at)} ms`;
  return found.length === 0 ? [] : [`${moment}:`, ...found];
}

/** Two at a time. */
async function inTurns<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const queue = [...items.entries()];
  const worker = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift())
      results[next[0]] = await work(next[1]);
  };
  await Promise.all([worker(), worker()]);
  return results;
}
