import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { PROJECT } from '../support/box.ts';
import { LAYOUTS } from '../support/build-images.ts';
import { pushLayout, startRegistry } from '../support/registry.ts';
import { slowRelay } from '../support/slow-relay.ts';
import { type Comparison, compare } from './measure.ts';

/** Milliseconds for a round trip to a registry that is not on this machine. */
const ROUND_TRIP = 40;

/**
 * Pull of an image that is local and current: next to the registry against bare node and `skopeo inspect --raw`, at a
 * distance against `skopeo inspect`.
 */
export async function secondPull(): Promise<readonly Comparison[]> {
  const folder = await mkdtemp('/var/tmp/atomic-bench-');
  try {
    await using registry = await startRegistry();
    await pushLayout(registry, join(LAYOUTS, 'hello-world'), 'hello-world');
    await using relay = await slowRelay(registry.address, ROUND_TRIP);
    const near = `${registry.address}/hello-world`;
    const far = `${relay.address}/hello-world`;
    return [
      await compare('second_pull', { ...(await contest(folder, near, rawInspect)), goal: 1.2 }),
      await compare('second_pull_far', { ...(await contest(folder, far, inspect)), goal: 0.7 }),
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function contest(folder: string, image: string, baseline: (image: string) => Promise<unknown>) {
  const env = { ATOMIC_OSTREE_CHECKOUT_PATH: join(folder, 'checkouts') };
  const pull = async () => await execa(join(PROJECT, 'bin/atomic'), ['pull', `http:${image}`], { env });
  await pull();
  return { ours: { work: pull }, baseline: { work: async () => await baseline(image) }, rounds: 15 };
}

async function rawInspect(image: string): Promise<void> {
  await execa('node', ['-e', '0']);
  await execa('skopeo', ['inspect', '--raw', '--tls-verify=false', `docker://${image}`]);
}

async function inspect(image: string): Promise<void> {
  await execa('skopeo', ['inspect', '--tls-verify=false', `docker://${image}`]);
}
