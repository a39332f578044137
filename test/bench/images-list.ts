import type { Box } from '../support/box.ts';
import { type Comparison, compare } from './measure.ts';

const MANY = 200;
const LAYERS = 5;
const ROOT = '/var/lib/containers/atomic';
/** Images as a pull leaves them, each with layers of its own; the file system of a layer does not matter here. */
const MAKE = `
  set -e; cd /run; export OSTREE_REPO=${ROOT}/.storage/ostree; mkdir -p tree
  ostree config set core.fsync false
  cp -a $OSTREE_REPO/refs/heads/ociimage $OSTREE_REPO/refs/heads/one
  digest() { echo "$1" | sha256sum | cut -c-64; }
  commit() { ref=$1; shift; ostree commit --branch=ociimage/$ref --no-bindings --tree=dir=tree "$@" >/dev/null; }
  for i in $(seq ${MANY - 1}); do
    layers=
    for l in $(seq ${LAYERS}); do
      hex=$(digest $i-$l)
      commit $hex --add-metadata-string=docker.size=$i --add-metadata-string=docker.uncompressed_size=$i \\
        --add-metadata-string=docker.uncompressed_digest=sha256:$hex
      layers=$layers,'{"digest":"sha256:'$hex'","size":'$i'}'
    done
    manifest='{"schemaVersion":2,"config":{"digest":"sha256:'$(digest $i)'"},"layers":['\${layers#,}']}'
    commit registry.example_2Fimage\${i}_3Alatest --add-metadata-string=signatures=0 \\
      --add-metadata-string=docker.manifest="$manifest" --add-metadata-string=docker.digest=sha256:$(digest $i) \\
      --add-metadata-string=docker.uncompressed_size=$((5 * i))
  done
  cp -a $OSTREE_REPO/refs/heads/ociimage $OSTREE_REPO/refs/heads/all`;

/** `images list` with 200 images of 5 layers, against the same with 1. */
export async function imagesList(box: Box, image: string): Promise<readonly Comparison[]> {
  await box.sh(`atomic pull ${image}`);
  const { exitCode, stderr } = await box.sh(MAKE, { timeout: 300_000 });
  if (exitCode !== 0) throw new Error(stderr);
  await expectCount(box, MANY);
  const choose = async (which: string) =>
    await box.sh(`cd ${ROOT}/.storage/ostree/refs/heads && rm -rf ociimage && ln -s ${which} ociimage`);
  const list = async () => await box.sh('atomic images list');
  const ours = { before: async () => await choose('all'), work: list };
  const baseline = { before: async () => await choose('one'), work: list };
  const comparison = await compare('images_list_200', { ours, baseline, rounds: 11, goal: 1.2 });
  await expectCount(box, 1);
  return [comparison];
}

async function expectCount(box: Box, count: number): Promise<void> {
  const { stdout } = await box.sh('atomic images list -q | wc -l');
  if (Number(stdout) !== count) throw new Error(`${stdout.trim()} images are listed, not ${count}`);
}
