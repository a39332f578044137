import type { Box } from '../support/box.ts';
import { type Comparison, type Contest, compare, type Result } from './measure.ts';
import { memoryOf } from './probe.ts';
import { succeed } from './succeed.ts';

const ROOT = '/var/lib/containers/atomic';
const LIST = 'atomic containers list -a';

/** `containers list -a` with 1 container, against bare node. */
export async function containersListOfOne(box: Box, image: string): Promise<readonly Comparison[]> {
  await succeed(box, `atomic install --system --name=one ${image}`);
  const ours = { work: () => succeed(box, LIST) };
  const baseline = { work: () => succeed(box, 'node -e 0') };
  return [await compare('containers_list_1', { ours, baseline, rounds: 20, goal: 1.6 })];
}

/** `containers list -a` with many containers, against the same with 1; and its memory with very many. */
export async function containersList(box: Box, image: string): Promise<readonly Result[]> {
  await succeed(box, `atomic install --system --name=one ${image}`);
  const results: Result[] = [];
  let there = 1;
  for (const [count, goal, rounds] of [
    [300, 1.2, 9],
    [1000, 1.5, 9],
    [10_000, 6, 3],
  ] as const) {
    await succeed(box, `node -e '${CLONE}' ${there} ${count} && systemctl daemon-reload`);
    there = count;
    results.push(await compareWithOne(box, count, { goal, rounds }));
  }
  const { stdout } = await box.sh(`${memoryOf(['containers', 'list', '-a'])} | tail -n 1`);
  results.push({ name: `containers_list_${there}_memory`, value: Number(stdout), unit: 'MB', goal: 150 });
  return results;
}

/** Copies of an installed container, each with a unit of its own. */
const CLONE = `
  const fs = require("fs"), units = "/etc/systemd/system", [from, to] = process.argv.slice(1).map(Number);
  const unit = fs.readFileSync(units + "/one.service", "utf8");
  process.chdir("${ROOT}");
  for (let i = from; i < to; i++) {
    fs.mkdirSync("c" + i + ".0");
    for (const file of ["config.json", "info"]) fs.copyFileSync("one.0/" + file, "c" + i + ".0/" + file);
    fs.symlinkSync("${ROOT}/c" + i + ".0", "c" + i);
    fs.writeFileSync(units + "/c" + i + ".service", unit.replaceAll("one", "c" + i));
  }`;

async function compareWithOne(
  box: Box,
  count: number,
  contest: Pick<Contest, 'goal' | 'rounds'>,
): Promise<Comparison> {
  const move = (from: string, to: string) =>
    `cd ${ROOT}; mkdir -p .others; find ${from} -mindepth 1 -maxdepth 1 -name 'c[0-9]*' -exec mv -t ${to} {} +`;
  const ours = { before: () => succeed(box, move('.others', '.')), work: () => succeed(box, LIST) };
  const baseline = { before: () => succeed(box, move('.', '.others')), work: () => succeed(box, LIST) };
  await expectCount(box, count);
  const comparison = await compare(`containers_list_${count}`, { ours, baseline, ...contest });
  await expectCount(box, 1);
  await ours.before();
  return comparison;
}

async function expectCount(box: Box, count: number): Promise<void> {
  const { stdout } = await box.sh(`${LIST} -q | wc -l`);
  if (Number(stdout) !== count) throw new Error(`${stdout.trim()} containers are listed, not ${count}`);
}
