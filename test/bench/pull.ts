import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { PROJECT } from '../support/box.ts';
import { writeLayout } from '../support/oci-layout.ts';
import { pushLayout, startRegistry } from '../support/registry.ts';
import { type Figure, ratio } from './measure.ts';

const LAYERS = 5;
/** A layer of about 45 MB: many small files of text, and a few large ones that do not compress. */
const FILL = `
  for d in $(seq 20); do mkdir -p $1/$2/d$d; for f in $(seq 60); do seq $f$2 $((f$2 + 3000)) > $1/$2/d$d/f$f; done; done
  for f in $(seq 3); do head -c 8000000 /dev/urandom > $1/$2/big$f; done`;

/**
 * Pull of an image of several large layers, against skopeo copying it to a folder and ostree committing its layers
 * one after the other. Goal: 0.9.
 */
export async function pull(): Promise<Figure[]> {
  const folder = await mkdtemp('/var/tmp/atomic-bench-');
  try {
    await using registry = await startRegistry();
    await pushLargeImage(folder, registry.address);
    const image = `${registry.address}/large`;
    return await ratio('pull', atomicPull(folder, image), rawPull(folder, image), 5);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function pushLargeImage(folder: string, address: string): Promise<void> {
  const layers = [];
  for (let index = 1; index <= LAYERS; index++) {
    const tar = join(folder, `${index}.tar`);
    await execa('sh', ['-c', FILL, 'fill', join(folder, 'tree'), String(index)]);
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
