import { join } from 'node:path';
import type { Box } from '../support/box.ts';
import { type Comparison, compare, type Result } from './measure.ts';
import { memoryOf } from './probe.ts';
import { storeImages } from './stored-images.ts';
import { succeed } from './succeed.ts';

/** Images that have layers of their own; others share theirs. */
const DISTINCT = 1000;
const LIST = 'atomic images list';
const REFS = '/var/lib/containers/atomic/.storage/ostree/refs/heads';

/** `images list` with many images of 5 layers, against the same with 1; and its memory with very many. */
export async function imagesList(box: Box, image: string): Promise<readonly Result[]> {
  await succeed(box, `atomic pull ${image} && cp -a ${REFS}/ociimage ${REFS}/1`);
  const results: Result[] = [];
  for (const [count, goal] of [
    [200, 1.2],
    [1000, 1.5],
  ] as const) {
    await makeImages(box, count);
    results.push(await compareWithOne(box, count, goal));
  }
  await makeImages(box, 10_000);
  await choose(box, 10_000);
  const { stdout } = await box.sh(`${memoryOf(['images', 'list'])} | tail -n 1`);
  results.push({ name: 'images_list_10000_memory', value: Number(stdout), unit: 'MB', goal: 150 });
  return results;
}

async function makeImages(box: Box, count: number): Promise<void> {
  const repository = join(box.containers, 'atomic/.storage/ostree');
  const refs = join(repository, 'refs/heads', String(count));
  await storeImages(repository, { refs, count, distinct: Math.min(count, DISTINCT) });
}

/** Makes the images of that many be all that there are. */
async function choose(box: Box, count: number): Promise<void> {
  await succeed(box, `cd ${REFS} && rm -rf ociimage && ln -s ${count} ociimage`);
}

async function compareWithOne(box: Box, count: number, goal: number): Promise<Comparison> {
  const listOf = (images: number) => ({
    before: () => choose(box, images),
    work: () => succeed(box, LIST),
  });
  await choose(box, count);
  await expectCount(box, count);
  const comparison = await compare(`images_list_${count}`, {
    ours: listOf(count),
    baseline: listOf(1),
    rounds: 9,
    goal,
  });
  await expectCount(box, 1);
  return comparison;
}

async function expectCount(box: Box, count: number): Promise<void> {
  const { stdout } = await box.sh(`${LIST} -q | wc -l`);
  if (Number(stdout) !== count) throw new Error(`${stdout.trim()} images are listed, not ${count}`);
}
