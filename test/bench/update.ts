import type { Box } from '../support/box.ts';
import { LIST_LAYERS } from './layers.ts';
import { type Comparison, compare } from './measure.ts';
import { succeed } from './succeed.ts';

const ROOT = '/var/lib/containers/atomic';
const RAW = `
  set -e; repo=${ROOT}/.storage/ostree; dest=${ROOT}/raw
  mkdir -p $dest; ostree --repo=$repo checkout --union --whiteouts --require-hardlinks --fsync=no --from-file=/run/layers $dest/rootfs
  systemctl daemon-reload`;

/**
 * Update of the values of a container whose service does not run, against `ostree checkout` and `systemctl
 * daemon-reload` of the same.
 */
export async function update(box: Box, image: string): Promise<readonly Comparison[]> {
  await succeed(box, `atomic pull ${image} && atomic install --system --name=ours ${image}`);
  await succeed(box, LIST_LAYERS);
  let round = 0;
  const ours = {
    work: async () => {
      round += 1;
      await succeed(box, `atomic containers update --set=RECEIVER=${round} ours`);
    },
  };
  const baseline = {
    before: async () => await box.sh(`rm -rf ${ROOT}/raw`),
    work: async () => await succeed(box, RAW),
  };
  const comparison = await compare('update', { ours, baseline, rounds: 11, goal: 1.5 });
  await box.sh(`atomic uninstall ours; rm -rf ${ROOT}/raw`);
  return [comparison];
}
