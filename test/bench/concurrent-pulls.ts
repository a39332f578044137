import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PROJECT } from '../support/box.ts';
import { pushLayout, type Registry, startRegistry } from '../support/registry.ts';
import { runProgram } from '../support/run-program.ts';
import { writeLayer, writeLayoutOf } from './large-image.ts';
import { compare, type Result } from './measure.ts';
import { succeedHere } from './succeed.ts';

const COUNT = 8;
/** Two layers that all images have, and one of its own for each. */
const SHARED = { files: 400, text: 30_000, large: 4_000_000 };
const OWN = { files: 100, text: 30_000, large: 1_000_000 };

/** Pulls of eight images that share layers, all at once, against one after the other; nothing may be stored twice. */
export async function concurrentPulls(): Promise<readonly Result[]> {
  const folder = await mkdtemp('/var/tmp/atomic-bench-');
  try {
    await using registry = await startRegistry();
    await pushImages(registry, join(folder, 'images'));
    // each pull gets a directory of its own, and none is removed before the end: see pull.ts
    let directories = 0;
    const pulls = async (jobs: number) => {
      const env = { ATOMIC_OSTREE_CHECKOUT_PATH: join(folder, `${jobs}-${directories++}`) };
      const atomic = join(PROJECT, 'bin/atomic');
      return await succeedHere(
        `seq ${COUNT} | xargs -P${jobs} -I{} ${atomic} pull http:${registry.address}/shared-{}`,
        env,
      );
    };
    const [ours, baseline] = [{ work: () => pulls(COUNT) }, { work: () => pulls(1) }];
    const comparison = await compare('concurrent_pulls', { ours, baseline, rounds: 2, goal: 0.5 });
    const [together, apart] = [await sizeOf(join(folder, `${COUNT}-0`)), await sizeOf(join(folder, '1-1'))];
    const more = { name: 'concurrent_pulls_more_on_disk', value: together - apart, unit: 'kB', goal: 100 };
    return [comparison, more];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function pushImages(registry: Registry, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const shared = [await writeLayer(folder, 'one', SHARED), await writeLayer(folder, 'two', SHARED)];
  for (let image = 1; image <= COUNT; image++) {
    const own = await writeLayer(folder, `own-${image}`, OWN);
    const layout = await writeLayoutOf(join(folder, `layout-${image}`), [...shared, own]);
    await pushLayout(registry, layout, `shared-${image}`);
  }
}

/** What a directory takes on the disk, in kB. */
async function sizeOf(directory: string): Promise<number> {
  const { stdout } = await runProgram(['du', '-sk', directory]);
  return Number(stdout.split('\t')[0]);
}
