import type { Box } from '../support/box.ts';
import { type Figure, ratio } from './measure.ts';

const MANY = 300;
const ROOT = '/var/lib/containers/atomic';
/** Copies of an installed container, each with a unit of its own. */
const CLONE = `cd ${ROOT}; for i in $(seq ${MANY - 1}); do
  mkdir c$i.0; cp one.0/config.json one.0/info c$i.0/; ln -s ${ROOT}/c$i.0 c$i
  sed s/one/c$i/g one.0/one.service > /etc/systemd/system/c$i.service; done; systemctl daemon-reload`;

/** `containers list -a` with 300 containers, against the same with 1. Goal: 1.5. */
export async function containersList(box: Box, image: string): Promise<Figure[]> {
  await box.sh(`atomic install --system --name=one ${image}`);
  await box.sh(CLONE);
  await expectCount(box, MANY);
  const hide = `cd ${ROOT}; mkdir -p .others; mv c[0-9]* .others/`;
  const show = `cd ${ROOT}; mv .others/* .`;
  const list = async () => await box.sh('atomic containers list -a');
  const figures = await ratio(
    'containers_list_300',
    { before: async () => await box.sh(show), work: list },
    { before: async () => await box.sh(hide), work: list },
    15,
  );
  await expectCount(box, 1);
  return figures;
}

async function expectCount(box: Box, count: number): Promise<void> {
  const { stdout } = await box.sh('atomic containers list -aq | wc -l');
  if (Number(stdout) !== count) throw new Error(`${stdout.trim()} containers are listed, not ${count}`);
}
