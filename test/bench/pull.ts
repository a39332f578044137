import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { PROJECT } from '../support/box.ts';
import { writeLayout } from '../support/oci-layout.ts';
import { pushLayout, startRegistry } from '../support/registry.ts';
import { type Comparison, compare } from './measure.ts';

/** Makes a layer: many small files of text, and large ones that do not compress. */
const FILL = `
  for d in $(seq 20); do
    mkdir -p $1/d$d; for f in $(seq $(($2 / 20))); do seq $f$3 $((f$3 + $4)) > $1/d$d/f$f; done
  done
  for f in $(seq 3); do head -c $5 /dev/urandom > $1/big$f; done`;

interface Shape {
  readonly layers: number;
  /** In each layer. */
  readonly files: number;
  /** Lines of each file. */
  readonly lines: number;
  /** Size of each of the three large files, in bytes. */
  readonly large: number;
}

/** Layers of about 60 MB with 750 files each, and one of about 600 MB. */
const SEVERAL = { layers: 8, files: 740, lines: 9_000, large: 6_000_000 };
const ONE = { layers: 1, files: 6_000, lines: 14_000, large: 20_000_000 };

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
    await pushLargeImage(folder, registry.address, shape);
    const image = `${registry.address}/large`;
    const [ours, baseline] = [atomicPull(folder, image), rawPull(folder, image)];
    return await compare(name, { ours, baseline, rounds: 2, goal });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function pushLargeImage(folder: string, address: string, shape: Shape): Promise<void> {
  const layers = [];
  for (let index = 1; index <= shape.layers; index++) {
    const tar = join(folder, `${index}.tar`);
    const tree = join(folder, 'tree', String(index));
    const { files, lines, large } = shape;
    await execa('sh', ['-c', FILL, 'fill', tree, ...[files, index, lines, large].map(String)]);
    await execa('tar', ['-cf', tar, '-C', join(folder, 'tree'), String(index)]);
    layers.push({ tar, compression: 'gzip' as const });
  }
  await writeLayout(join(folder, 'layout'), { layers, labels: {}, architectures: ['amd64'] });
  await pushLayout({ address }, join(folder, 'layout'), 'large');
}

function atomicPull(folder: string, image: string) {
  const checkouts = join(folder, 'ours');
  const env = { ATOMIC_OSTREE_CHECKOUT_PATH: checkouts };
  return {
    before: async () => await rm(checkouts, { recursive: true, force: true }),
    work: async () => await execa(join(PROJECT, 'bin/atomic'), ['pull', `http:${image}`], { env }),
  };
}

function rawPull(folder: string, image: string) {
  const repository = join(folder, 'repo');
  const copy = join(folder, 'copy');
  return {
    before: async () => {
      await execa('rm', ['-rf', repository, copy]);
      await execa('ostree', [`--repo=${repository}`, 'init', '--mode=bare']);
    },
    work: async () => {
      await execa('skopeo', ['copy', '-q', '--src-tls-verify=false', `docker://${image}`, `dir:${copy}`]);
      for (const blob of (await readdir(copy)).filter((name) => /^[0-9a-f]{64}$/.test(name))) {
        const source = [`--tree=tar=${join(copy, blob)}`, '--tar-autocreate-parents'];
        // the configuration lies beside the layers, and is no tar
        await execa('ostree', [`--repo=${repository}`, 'commit', `--branch=${blob}`, ...source], {
          reject: false,
        });
      }
    },
  };
}
