/** What a host looks like to somebody who wants to know whether a container is whole. */
import { expect } from 'vitest';
import { CONTAINERS, eventually, type TestBox } from '../support/test-box.ts';

export const NAME = 'c';

/** The images that the container goes back and forth between. */
export const IMAGES = ['host-files', 'host-files-2'] as const;
export type Image = (typeof IMAGES)[number];

/** What makes one deployment differ from another. */
export interface Deployed {
  readonly image: Image;
  readonly receiver: string;
}

export type State = Readonly<Record<string, string>>;

/** One line KEY=VALUE for each fact. `digest` says whether the files are the image's, to the last byte. */
const FACTS = `
  cd ${CONTAINERS}; link=$(readlink ${NAME})
  echo "receiver=$(jq -r .values.RECEIVER ${NAME}/info)"
  echo "config=$(grep -o 'RECEIVER=[^"]*' ${NAME}/config.json)"
  echo "unit=$(cmp -s ${NAME}/${NAME}.service /etc/systemd/system/${NAME}.service && echo its own)"
  echo "folder=$(grep -q "^WorkingDirectory=$link$" /etc/systemd/system/${NAME}.service && echo its own)"
  echo "tmpfiles=$(cmp -s ${NAME}/tmpfiles-${NAME}.conf /etc/tmpfiles.d/${NAME}.conf && echo its own)"
  echo "conf=$(cat /etc/atomic-test.conf | tr '\\n' ' ')"
  echo "tool=$(tail -1 /usr/local/bin/renamed-tool)"
  echo "files=$(ls -A /opt/atomic-test /usr/local/bin /etc | grep -c tmp$)"
  echo "opt=$(ls -A /opt/atomic-test | tr '\\n' ' ')"
  echo "digest=$(cd ${NAME}/rootfs && find . -type f | sort | xargs sha256sum | sha256sum | cut -c 1-16)"
  echo "enabled=$(systemctl is-enabled ${NAME})"
  echo "reload=$(systemctl show -P NeedDaemonReload ${NAME})"
  echo "others=$(ls -A | grep -vE '^(.storage|${NAME}|${NAME}.[01])$' | tr '\\n' ' ')"`;

export async function stateOf(box: Pick<TestBox, 'sh'>): Promise<State> {
  const { stdout } = await box.sh(FACTS);
  return Object.fromEntries(stdout.trimEnd().split('\n').map(splitAtEquals));
}

function splitAtEquals(line: string): [string, string] {
  const at = line.indexOf('=');
  return [line.slice(0, at), line.slice(at + 1)];
}

const FILES: Readonly<Record<Image, { conf: string; tool: string; opt: string }>> = {
  'host-files': {
    conf: '',
    tool: `echo ${NAME} 1`,
    opt: 'broken dropped empty moved owned relative to-folder ',
  },
  'host-files-2': { conf: 'version=2 ', tool: `echo ${NAME} 2`, opt: 'added ' },
};

/** The state of a host on which exactly this is deployed; `digests` are those of the images' files. */
export function wholeState({ image, receiver }: Deployed, digests: Readonly<Record<Image, string>>): State {
  const { conf, tool, opt } = FILES[image];
  return {
    receiver,
    config: `RECEIVER=${receiver}`,
    unit: 'its own',
    folder: 'its own',
    tmpfiles: 'its own',
    conf: `receiver=${receiver} ${conf}`,
    tool,
    files: '0',
    opt,
    digest: digests[image],
    enabled: 'enabled',
    reload: 'no',
    others: '',
  };
}

/** Fails unless the service answers with the receiver of its deployment. */
export async function expectAnswer(box: Pick<TestBox, 'sh'>, { receiver }: Deployed): Promise<void> {
  const answer = await eventually(box, `curl -sf localhost:8081 | grep -x "Hi ${receiver}"`);
  expect(answer.stdout).toBe(`Hi ${receiver}\n`);
}

/** Fails unless ostree finds the repository sound. */
export async function expectSoundRepository(box: Pick<TestBox, 'sh'>): Promise<void> {
  const { exitCode, stderr } = await box.sh(`ostree --repo=${CONTAINERS}/.storage/ostree fsck --quiet`);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
}
