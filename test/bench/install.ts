import type { Box } from '../support/box.ts';
import { LIST_LAYERS } from './layers.ts';
import { type Comparison, compare } from './measure.ts';
import { succeed } from './succeed.ts';

const ROOT = '/var/lib/containers/atomic';
const RAW = `
  set -e; repo=${ROOT}/.storage/ostree; dest=${ROOT}/raw
  mkdir -p $dest; ostree --repo=$repo checkout --union --whiteouts --require-hardlinks --fsync=no --from-file=/run/layers $dest/rootfs
  cp /run/raw.service /etc/systemd/system/raw.service
  systemctl daemon-reload; systemctl enable raw`;

/**
 * Install of a local image, against `ostree checkout`, `systemctl daemon-reload` and `systemctl enable` of the same.
 */
export async function install(box: Box, image: string): Promise<readonly Comparison[]> {
  await succeed(box, `atomic pull ${image} && atomic install --system --name=first ${image}`);
  await succeed(box, `sed s/first/raw/g ${ROOT}/first.0/first.service > /run/raw.service`);
  await succeed(box, LIST_LAYERS);
  const ours = {
    before: async () => await box.sh('atomic uninstall ours'),
    work: async () => await succeed(box, `atomic install --system --name=ours ${image}`),
  };
  const baseline = {
    before: async () =>
      await box.sh(`systemctl disable raw; rm -rf ${ROOT}/raw /etc/systemd/system/raw.service`),
    work: async () => await succeed(box, RAW),
  };
  const comparison = await compare('install', { ours, baseline, rounds: 11, goal: 0.6 });
  await box.sh('atomic uninstall ours; atomic uninstall first; systemctl disable raw');
  return [comparison];
}
