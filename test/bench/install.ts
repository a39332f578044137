import type { Box } from '../support/box.ts';
import { type Figure, ratio } from './measure.ts';
import { succeed } from './succeed.ts';

const ROOT = '/var/lib/containers/atomic';
const RAW = `
  set -e; repo=${ROOT}/.storage/ostree; dest=${ROOT}/raw
  mkdir -p $dest; ostree --repo=$repo checkout --union --whiteouts --require-hardlinks --fsync=no --from-file=/run/layers $dest/rootfs
  cp /run/raw.service /etc/systemd/system/raw.service
  systemctl daemon-reload; systemctl enable raw`;

/**
 * Install of a local image, against `ostree checkout`, `systemctl daemon-reload` and `systemctl enable` of the same.
 * Goal: 1.3.
 */
export async function install(box: Box, image: string): Promise<Figure[]> {
  await succeed(box, `atomic pull ${image} && atomic install --system --name=first ${image}`);
  await succeed(box, `sed s/first/raw/g ${ROOT}/first.0/first.service > /run/raw.service`);
  const layers = 'atomic images list --all --no-trunc --quiet';
  const list = `for id in $(${layers}); do grep -qs . ${ROOT}/.storage/ostree/refs/heads/ociimage/$id && printf "ociimage/$id\\0/\\0"; done > /run/layers`;
  await succeed(box, list);
  const ours = {
    before: async () => await box.sh('atomic uninstall ours'),
    work: async () => await succeed(box, `atomic install --system --name=ours ${image}`),
  };
  const theirs = {
    before: async () =>
      await box.sh(`systemctl disable raw; rm -rf ${ROOT}/raw /etc/systemd/system/raw.service`),
    work: async () => await succeed(box, RAW),
  };
  const figures = await ratio('install', ours, theirs, 11);
  await box.sh('atomic uninstall ours; atomic uninstall first; systemctl disable raw');
  return figures;
}
