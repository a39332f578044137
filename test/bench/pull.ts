import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { PROJECT } from '../support/box.ts';
import { pushLayout, startRegistry } from '../support/registry.ts';
import { type Shape, writeLargeImage } from './large-image.ts';
import { type Comparison, compare } from './measure.ts';

/** Layers of about 60 MB with 750 files each, and one of about 600 MB with 6,000. */
const SEVERAL = { layers: 8, files: 740, text: 57_000, large: 6_000_000 };
const ONE = { layers: 1, files: 6_000, text: 90_000, large: 20_000_000 };

/**
 * Pulls of large images, against skopeo copying each to a directory and ostree committing its layers one after the
 * other.
 */
export async function pull(): Promise<readonly Comparison[]> {
  return [await pullOf('pull_8_layers', SEVERAL, 0.6), await pullOf('pull_1_layer', ONE, 0.8)];
}

async function pullOf(name: string, shape: Shape, goal: number): Promise<Comparison> {
  const folder = await mkdtemp('/var/tmp/atomic-bench-');
  try {
    await using registry = await startRegistry();
    await pushLayout(registry, await writeLargeImage(join(folder, 'image'), shape), 'large');
    await rm(join(folder, 'image'), { recursive: true });
    const image = `${registry.address}/large`;
    const [ours, baseline] = [atomicPull(folder, image), rawPull(folder, image)];
    return await compare(name, { ours, baseline, rounds: 2, goal });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Each pull gets a directory of its own, and none is removed before the end: for minutes, ext4 looks long for an inode
 * where many have just been freed (`recently_deleted()`), and so would whoever comes next.
 */
let directories = 0;

function atomicPull(folder: string, image: string) {
  const work = async () => {
    const env = { ATOMIC_OSTREE_CHECKOUT_PATH: join(folder, `ours-${directories++}`) };
    await execa(join(PROJECT, 'bin/atomic'), ['pull', `http:${image}`], { env });
  };
  return { work };
}

function rawPull(folder: string, image: string) {
  const work = async () => {
    const [repository, copy] = [join(folder, `repo-${directories}`), join(folder, `copy-${directories++}`)];
    await execa('ostree', [`--repo=${repository}`, 'init', '--mode=bare']);
    await execa('skopeo', ['copy', '-q', '--src-tls-verify=false', `docker://${image}`, `dir:${copy}`]);
    for (const blob of (await readdir(copy)).filter((name) => /^[0-9a-f]{64}$/.test(name))) {
      const source = [`--tree=tar=${join(copy, blob)}`, '--tar-autocreate-parents'];
      // the configuration lies beside the layers, and is no tar
      await execa('ostree', [`--repo=${repository}`, 'commit', `--branch=layer-${blob}`, ...source], {
        reject: false,
      });
    }
  };
  return { work };
}
