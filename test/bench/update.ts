import type { Box } from '../support/box.ts';
import { type Figure, ratio } from './measure.ts';
import { succeed } from './succeed.ts';

const ROOT = '/var/lib/containers/atomic';
const RAW = `
  set -e; repo=${ROOT}/.storage/ostree; dest=${ROOT}/raw
  mkdir -p $dest; ostree --repo=$repo checkout --union --whiteouts --require-hardlinks --fsync=no --from-file=/run/layers $dest/rootfs
  systemctl daemon-reload`;

/**
 * Update of the values of a container whose service does not run, against `ostree checkout` and `systemctl
 * daemon-reload` of the same. Goal: 1.4.
 */
export async function update(box: Box, image: string): Promise<Figure[]> {
  await succeed(box, `atomic install --system --name=ours ${image}`);
  let round = 0;
  const ours = {
    work: async () => {
      round += 1;
      await succeed(box, `atomic containers update --set=RECEIVER=${round} ours`);
    },
  };
  const theirs = {
    before: async () => await box.sh(`rm -rf ${ROOT}/raw`),
    work: async () => await succeed(box, RAW),
  };
  const figures = await ratio('update', ours, theirs, 11);
  await box.sh(`atomic uninstall ours; rm -rf ${ROOT}/raw`);
  return figures;
}
