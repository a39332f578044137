/** Power cuts: what the disk holds at any instant boots into the old or the new deployment, and keeps what was reported. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Box, type BoxStorage, bootBox, PROJECT } from '../support/box.ts';
import { type Disk, type DiskOptions, FILE_SYSTEMS, makeDisk } from '../support/disk.ts';
import { type Expectation, type Facts, factsOf, NEIGHBOUR, problemsOf } from './after-cut.ts';
import { cutDuring, randomFrom, SEED, type TimedCut } from './cut-moments.ts';
import { isThorough } from './points.ts';
import { NAME } from './state.ts';

const random = randomFrom(SEED);
/** How often the power is cut while a command runs; once more it is cut when the command is done. */
const CUTS = Number(process.env.POWER_CUTS ?? (isThorough ? 5 : 2));
const ALL = FILE_SYSTEMS.flatMap((fileSystem) =>
  (['one', 'two'] as const).map((partitions) => ({ fileSystem, partitions })),
);
const chosen = ALL[Math.floor(random() * ALL.length)] as DiskOptions;
const DISKS = isThorough ? ALL : [chosen];

const image = (name: string) => `${inject('registry')}/${name}`;
const update = (name: string, receiver: string) =>
  `atomic containers update --set=RECEIVER=${receiver} --rebase=${image(name)} ${NAME}`;

/** In this order, each on what the one before left; `next` makes what the following one needs. */
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

const counts = { all: 0, running: 0, midway: 0, bad: 0 };
afterAll(() => {
  const { all, running, midway, bad } = counts;
  console.log(
    `${all} power cuts, ${running} while a command ran, ${midway} of these midway; ${bad} bad; POWER_CUT_SEED=${SEED}`,
  );
});

describe.each(DISKS)('on $fileSystem, $partitions file system(s)', (options) => {
  let disk: Disk;
  let box: Box;
  let before: Facts;

  beforeAll(async () => {
    disk = await makeDisk(options);
    box = await bootBox({ registry: inject('registry'), storage: disk.storage });
    await box.sh(`make -s -C ${PROJECT} install-units`);
    for (const name of ['host-files', 'host-files-2']) await box.run(['atomic', 'pull', image(name)]);
    const install = `atomic install --system --name=${NEIGHBOUR} --set=PORT=8082 ${image('hello-world-2')}`;
    await box.sh(`${install}; atomic run ${NEIGHBOUR}; sync`);
    before = await factsOf(box);
  });
  afterAll(async () => {
    await box?.[Symbol.asyncDispose]();
    await disk?.[Symbol.asyncDispose]();
  });

  it.each(COMMANDS)('$name leaves the old or the new', async ({ line, next }) => {
    const { outcome, cuts } = await cutDuring({ box, disk, random }, { line: line(), count: CUTS });
    expect(outcome).toMatchObject({ exitCode: 0 });
    const after = await factsOf(box);
    const problems = await twoAtOnce(cuts, (cut) => problemsAfter(cut, { before, after }));
    if (next !== undefined) await box.sh(next());
    await box.sh('sync');
    before = after;
    expect(problems.flat()).toEqual([]);
  });
});

/** Boots what a cut left, with or without recovery at boot, and looks for what is wrong with it. */
async function problemsAfter(
  { cut, isAfter, at }: TimedCut,
  facts: Pick<Expectation, 'before' | 'after'>,
): Promise<readonly string[]> {
  const isRecovered = random() < 0.5;
  const storage = await cut.mount();
  if (!isAfter && (await isMidway(storage))) counts.midway += 1;
  if (!isRecovered) await removeRecovery(storage);
  const box = await bootBox({ storage });
  try {
    const found = await problemsOf(box, { ...facts, isAfter, isRecovered });
    counts.all += 1;
    if (!isAfter) counts.running += 1;
    if (found.length === 0) return [];
    counts.bad += 1;
    const moment = isAfter ? 'after success' : `after ${Math.round(at)} ms`;
    return [`cut ${moment}, ${isRecovered ? 'with' : 'without'} recovery at boot:`, ...found];
  } finally {
    await box[Symbol.asyncDispose]();
    await cut[Symbol.asyncDispose]();
  }
}

/** As on a host whose administrator has masked it. */
async function removeRecovery({ root }: BoxStorage): Promise<void> {
  const link = 'u/usr/local/lib/systemd/system/basic.target.wants/atomic-recover.service';
  await rm(join(root, link));
}

/** Whether a command was under way: it removes what it hides among the containers. */
async function isMidway({ containers }: BoxStorage): Promise<boolean> {
  const entries = await readdir(join(containers, 'atomic'));
  return entries.some((entry) => entry.startsWith('.') && entry !== '.storage');
}

async function twoAtOnce<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  const queue = [...items.entries()];
  const worker = async () => {
    for (let entry = queue.shift(); entry !== undefined; entry = queue.shift())
      results[entry[0]] = await work(entry[1]);
  };
  await Promise.all([worker(), worker()]);
  return results;
}
