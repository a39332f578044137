import type { Box } from '../support/box.ts';
import { type Comparison, compare } from './measure.ts';
import { succeed } from './succeed.ts';

const ROOT = '/var/lib/containers/atomic';
const LIST = 'atomic containers list -a';

/** `containers list -a` with 1 container, against bare node. */
export async function containersListOfOne(box: Box, image: string): Promise<readonly Comparison[]> {
  await succeed(box, `atomic install --system --name=one ${image}`);
  const ours = { work: () => box.sh(LIST) };
  const baseline = { work: () => box.sh('node -e 0') };
  return [await compare('containers_list_1', { ours, baseline, rounds: 20, goal: 1.6 })];
}

/** `containers list -a` with many containers, against the same with 1. */
export async function containersList(box: Box, image: string): Promise<readonly Comparison[]> {
  await succeed(box, `atomic install --system --name=one ${image}`);
  const comparisons = [];
  let there = 1;
  for (const [count, goal] of [
    [300, 1.2],
    [1000, 1.5],
  ] as const) {
    await succeed(box, clone(there, count));
    there = count;
    comparisons.push(await compareWithOne(box, count, goal));
  }
  return comparisons;
}

/** Copies of an installed container, each with a unit of its own. */
function clone(from: number, to: number): string {
  return `cd ${ROOT}; for i in $(seq ${from} ${to - 1}); do
    mkdir c$i.0; cp one.0/config.json one.0/info c$i.0/; ln -s ${ROOT}/c$i.0 c$i
    sed s/one/c$i/g one.0/one.service > /etc/systemd/system/c$i.service; done; systemctl daemon-reload`;
}

async function compareWithOne(box: Box, count: number, goal: number): Promise<Comparison> {
  const hide = `cd ${ROOT}; mkdir -p .others; mv c[0-9]* .others/`;
  const show = `cd ${ROOT}; test ! -d .others || mv .others/* .`;
  await expectCount(box, count);
  const ours = { before: () => box.sh(show), work: () => box.sh(LIST) };
  const baseline = { before: () => box.sh(hide), work: () => box.sh(LIST) };
  const comparison = await compare(`containers_list_${count}`, { ours, baseline, rounds: 11, goal });
  await expectCount(box, 1);
  await succeed(box, show);
  return comparison;
}

async function expectCount(box: Box, count: number): Promise<void> {
  const { stdout } = await box.sh(`${LIST} -q | wc -l`);
  if (Number(stdout) !== count) throw new Error(`${stdout.trim()} containers are listed, not ${count}`);
}
