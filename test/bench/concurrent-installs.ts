import type { Box } from '../support/box.ts';
import { type Comparison, compare } from './measure.ts';
import { succeed } from './succeed.ts';

const COUNT = 40;
const NAMES = `seq -f c%g ${COUNT}`;

/** Installs of 40 containers of one local image, eight at a time, against one after the other. */
export async function concurrentInstalls(box: Box, image: string): Promise<readonly Comparison[]> {
  await succeed(box, `atomic pull ${image}`);
  const removeAll = async () => await box.sh('atomic -y containers delete --all --force');
  const installs = async (jobs: number) =>
    await succeed(box, `${NAMES} | xargs -P${jobs} -I{} atomic install --system --name={} ${image}`);
  const ours = { before: removeAll, work: async () => await installs(8) };
  const baseline = { before: removeAll, work: async () => await installs(1) };
  const comparison = await compare('concurrent_installs', { ours, baseline, rounds: 1, goal: 0.5 });
  await removeAll();
  return [comparison];
}
