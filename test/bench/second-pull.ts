import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { PROJECT } from '../support/box.ts';
import { LAYOUTS } from '../support/build-images.ts';
import { pushLayout, startRegistry } from '../support/registry.ts';
import { slowRelay } from '../support/slow-relay.ts';
import { type Figure, ratio } from './measure.ts';

/** Milliseconds for a round trip to a registry that is not on this machine. */
const ROUND_TRIP = 40;

/**
 * Pull of an image that is here and current, against `skopeo inspect` of it. Goal: 1.3, which next to the registry,
 * where the start of node takes longer than all of skopeo, is out of reach; hence once more at a distance.
 */
export async function secondPull(): Promise<Figure[]> {
  const folder = await mkdtemp('/var/tmp/atomic-bench-');
  try {
    await using registry = await startRegistry();
    await pushLayout(registry, join(LAYOUTS, 'hello-world'), 'hello-world');
    await using relay = await slowRelay(registry.address, ROUND_TRIP);
    const near = await compare('second_pull', folder, `${registry.address}/hello-world`);
    const far = await compare('second_pull_far', folder, `${relay.address}/hello-world`);
    return [...near, ...far];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function compare(name: string, folder: string, image: string): Promise<Figure[]> {
  const env = { ATOMIC_OSTREE_CHECKOUT_PATH: join(folder, 'checkouts') };
  const pull = async () => await execa(join(PROJECT, 'bin/atomic'), ['pull', `http:${image}`], { env });
  const inspect = async () => await execa('skopeo', ['inspect', '--tls-verify=false', `docker://${image}`]);
  await pull();
  return await ratio(name, { work: pull }, { work: inspect }, 20);
}
