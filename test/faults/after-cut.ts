/** What a host looks like after a power cut: facts that have to be the same as before the command, or as after it. */
import type { Box } from '../support/box.ts';
import { NAME, type State, stateOf } from './state.ts';

const ROOT = '/var/lib/containers/atomic';

export interface Facts {
  /** Where the link points, and what a host with that deployment has. */
  readonly container: State;
  /** The refs of the repository, each with the commit that it names. */
  readonly refs: readonly string[];
}

/**
 * One line KEY=VALUE for each fact. Each slot has its image, its value and a checksum of its files, an empty one not;
 * the other facts are what is left over when a container goes, or is empty though no image has such a file.
 */
const MORE_FACTS = `
  cd ${ROOT}; echo "link=$(readlink ${NAME})"
  for slot in 0 1; do
    s=${NAME}.$slot; [ -d $s ] || continue
    files=$(cd $s/rootfs && find . -printf '%y %m %U:%G %p %l\\n' | sort | sha256sum | cut -c 1-16)
    text=$(cd $s/rootfs && find . -type f | sort | xargs sha256sum | sha256sum | cut -c 1-16)
    echo "slot$slot=$(jq -r '.image+" "+.values.RECEIVER' $s/info) $files $text $(jq -r .ociVersion $s/config.json)"
  done
  echo "units=$(cd /etc/systemd/system && find . -name '${NAME}.service*' | sort | tr '\\n' ' ')"
  echo "dangling=$(find /etc/systemd/system -xtype l ! -lname /dev/null | sort | tr '\\n' ' ')"
  echo "tmpfiles-d=$(ls -A /etc/tmpfiles.d | tr '\\n' ' ')"
  echo "host=$(ls -d /opt/atomic-test /etc/*atomic-test.conf* /usr/local/bin/*tool* 2>/dev/null | tr '\\n' ' ')"
  echo "empty=$(find ${NAME}.? .storage/ostree/refs /etc/systemd/system /etc/tmpfiles.d /etc/atomic-test.conf \\
    /opt/atomic-test /usr/local/bin -type f -size 0 2>/dev/null | grep -v /rootfs/ | tr '\\n' ' ')"`;

const REFS = `cd ${ROOT}/.storage/ostree/refs/heads && find . -type f | sort | while read f; do echo "$f $(cat $f)"; done`;

/** The facts of a host; `mode` of `ls -d` and the like are left out where a boot changes them. */
export async function factsOf(box: Box): Promise<Facts> {
  const state = await stateOf(box);
  const { stdout } = await box.sh(MORE_FACTS);
  const more = stdout
    .trimEnd()
    .split('\n')
    .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]);
  const refs = (await box.sh(REFS)).stdout.trimEnd().split('\n');
  return { container: { ...state, ...Object.fromEntries(more) }, refs };
}

export interface Expectation {
  readonly before: Facts;
  readonly after: Facts;
  /** Whether the command had reported success: then only `after` will do. */
  readonly isAfter: boolean;
}

/** What is wrong with a host that has been booted after a power cut; nothing else may be done to it before. */
export async function problemsOf(box: Box, expectation: Expectation): Promise<readonly string[]> {
  const atBoot = await problemsAtBoot(box, expectation);
  const booted = await factsOf(box);
  const reported = expectation.isAfter
    ? differences('after boot', withoutLeftovers(booted.container), [
        withoutLeftovers(expectation.after.container),
      ])
    : [];
  const said =
    booted.container.link === ''
      ? await box.sh(`atomic uninstall ${NAME}`)
      : await box.sh(`atomic run ${NAME}`);
  const facts = await factsOf(box);
  const { before, after, isAfter } = expectation;
  const wanted = isAfter ? [after.container] : [before.container, after.container];
  return [
    ...atBoot,
    ...reported,
    ...(booted.container.link !== '' && said.exitCode !== 0
      ? [`atomic run: ${said.exitCode} ${said.stderr.trim()}`]
      : []),
    ...differences('after the next command', facts.container, wanted),
    ...refProblems(facts.refs, expectation),
    ...(await runningProblems(box, facts)),
    ...(await repositoryProblems(box)),
  ];
}

/** A directory that the next command removes takes nothing back. */
const withoutLeftovers = ({ others, ...facts }: State): State => facts;

/** The facts that differ from all that is wanted, from the one that is nearest. */
function differences(when: string, facts: State, wanted: readonly State[]): readonly string[] {
  const lists = wanted.map((state) =>
    [...new Set([...Object.keys(facts), ...Object.keys(state)])]
      .filter((key) => facts[key] !== state[key])
      .map((key) => `${when}: ${key} is '${facts[key] ?? ''}', not '${state[key] ?? ''}'`),
  );
  return lists.sort((a, b) => a.length - b.length)[0] ?? [];
}

function refProblems(refs: readonly string[], { before, after, isAfter }: Expectation): readonly string[] {
  const must = isAfter ? after.refs : before.refs.filter((ref) => after.refs.includes(ref));
  const may = isAfter ? after.refs : [...before.refs, ...after.refs];
  return [
    ...must.filter((ref) => !refs.includes(ref)).map((ref) => `ref lost: ${ref}`),
    ...refs.filter((ref) => !may.includes(ref)).map((ref) => `ref back: ${ref}`),
  ];
}

/** A container that was there before and is there afterwards has to run, whatever was cut, and so has its neighbour. */
async function problemsAtBoot(box: Box, { before, after }: Expectation): Promise<readonly string[]> {
  const wanted =
    before.container.link !== '' && after.container.link !== '' ? [NAME, NEIGHBOUR] : [NEIGHBOUR];
  const problems: string[] = [];
  for (const name of wanted) {
    const { stdout } = await box.sh(`systemctl is-active ${name}; runc state ${name} | jq -r .bundle`);
    const [active, bundle = ''] = stdout.split('\n');
    if (active !== 'active' || !bundle.startsWith(`${ROOT}/${name}.`))
      problems.push(`at boot ${name} is ${active}, from '${bundle}'`);
  }
  return problems;
}

async function runningProblems(box: Box, { container }: Facts): Promise<readonly string[]> {
  if (container.link === '') {
    const { stdout } = await box.sh(
      `runc list -q | grep -x ${NAME}; systemctl is-active ${NAME}; systemctl is-failed ${NAME}`,
    );
    return stdout === 'inactive\ninactive\n' ? [] : [`runs without a container: ${stdout}`];
  }
  const { stdout: bundle } = await box.sh(`runc state ${NAME} | jq -r .bundle`);
  const wrong =
    bundle.trim() === container.link ? [] : [`runs from ${bundle.trim()}, the link says ${container.link}`];
  const ask = `for i in $(seq 50); do curl -sf localhost:8081 && exit; sleep 0.1; done`;
  const { stdout: answer } = await box.sh(ask);
  return answer === `Hi ${container.receiver}\n`
    ? wrong
    : [...wrong, `answers '${answer.trim()}', not '${container.receiver}'`];
}

async function repositoryProblems(box: Box): Promise<readonly string[]> {
  const { exitCode, stdout, stderr } = await box.sh(`ostree --repo=${ROOT}/.storage/ostree fsck --quiet`);
  return exitCode === 0 ? [] : [`ostree fsck: ${stdout}${stderr}`];
}

/** A container that no command touches. */
export const NEIGHBOUR = 'neighbour';

/** Whether a command was under way: something is there that it removes in the end. */
export async function isMidway(box: Box): Promise<boolean> {
  const { stdout } = await box.sh(`ls -A ${ROOT} | grep '^[.]' | grep -v '^.storage$'`);
  return stdout !== '';
}
