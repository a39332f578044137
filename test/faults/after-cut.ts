/** What a host looks like after a power cut: facts that have to be the same as before the command, or as after it. */
import type { Box } from '../support/box.ts';
import { CONTAINERS } from '../support/test-box.ts';
import { expectSoundRepository, NAME, type State, stateOf } from './state.ts';

/** A container that no command touches. */
export const NEIGHBOUR = 'neighbour';

export interface Facts {
  /** Where the link points, and what a host with that deployment has. */
  readonly container: State;
  /** The refs of the repository, each with the commit that it names. */
  readonly refs: readonly string[];
}

/**
 * One line KEY=VALUE for each fact. A slot has its image, its value and two checksums of its files; the other facts are
 * what can be left over of a container that is gone, and files that are empty though no image has such a file.
 */
const MORE_FACTS = `
  cd ${CONTAINERS}; echo "link=$(readlink ${NAME})"
  for slot in 0 1; do
    s=${NAME}.$slot; [ -d $s ] || continue
    entries=$(cd $s/rootfs && find . -printf '%y %m %U:%G %p %l\\n' | sort | sha256sum | cut -c 1-16)
    bytes=$(cd $s/rootfs && find . -type f | sort | xargs sha256sum | sha256sum | cut -c 1-16)
    echo "slot$slot=$(jq -r '.image+" "+.values.RECEIVER' $s/info) $entries $bytes $(jq -r .ociVersion $s/config.json)"
  done
  echo "units=$(cd /etc/systemd/system && find . -name '${NAME}.service*' | sort | tr '\\n' ' ')"
  echo "dangling=$(find /etc/systemd/system -xtype l ! -lname /dev/null | sort | tr '\\n' ' ')"
  echo "tmpfiles-d=$(ls -A /etc/tmpfiles.d | tr '\\n' ' ')"
  echo "host=$(ls -d /opt/atomic-test /etc/*atomic-test.conf* /usr/local/bin/*tool* 2>/dev/null | tr '\\n' ' ')"
  echo "empty=$(find ${NAME}.? .storage/ostree/refs /etc/systemd/system /etc/tmpfiles.d /etc/atomic-test.conf \\
    /opt/atomic-test /usr/local/bin -type f -size 0 2>/dev/null | grep -v /rootfs/ | tr '\\n' ' ')"`;

const REFS = `cd ${CONTAINERS}/.storage/ostree/refs/heads && find . -type f | sort | while read f; do echo "$f $(cat $f)"; done`;

/** What is there now; nothing is changed by looking. */
export async function factsOf(box: Box): Promise<Facts> {
  const state = await stateOf(box);
  const lines = (await box.sh(MORE_FACTS)).stdout.trimEnd().split('\n');
  const more = lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]);
  const refs = (await box.sh(REFS)).stdout.trimEnd().split('\n');
  return { container: { ...state, ...Object.fromEntries(more) }, refs };
}

export interface Expectation {
  readonly before: Facts;
  readonly after: Facts;
  /** Whether the command had reported success: then only `after` will do. */
  readonly isAfter: boolean;
  /** Whether atomic-recover.service is installed: then nothing is left for the next command. */
  readonly isRecovered: boolean;
}

/** What is wrong with a host that has just been booted after a power cut. */
export async function problemsOf(box: Box, expectation: Expectation): Promise<readonly string[]> {
  const { before, after, isAfter, isRecovered } = expectation;
  const wanted = isAfter ? [after.container] : [before.container, after.container];
  const booted = await factsOf(box);
  const atBoot = [
    ...(await notRunning(box, expectation)),
    ...(isAfter || isRecovered
      ? differences('after the boot', withoutLeftovers(booted.container), wanted.map(withoutLeftovers))
      : []),
    ...(isRecovered && booted.container.link !== '' ? await runningProblems(box, booted) : []),
    ...refProblems(booted.refs, expectation),
  ];
  const next = booted.container.link === '' ? `atomic uninstall ${NAME}` : `atomic run ${NAME}`;
  const said = await box.sh(next);
  const isRefused = booted.container.link !== '' && said.exitCode !== 0;
  if (await hasLeftovers(box)) await box.sh('atomic images prune');
  const facts = await factsOf(box);
  return [
    ...atBoot,
    ...(isRefused ? [`${next}: ${said.exitCode} ${said.stderr.trim()}`] : []),
    ...differences('after the next command', facts.container, wanted),
    ...(await runningProblems(box, facts)),
    ...(await repositoryProblems(box)),
  ];
}

/** A command that is not about this container leaves its temporary directories to `prune`. */
async function hasLeftovers(box: Box): Promise<boolean> {
  const { stdout } = await box.sh(`ls -A ${CONTAINERS} | grep '^[.]' | grep -v '^.storage$'`);
  return stdout !== '';
}

/** A directory that the next command removes takes nothing back. */
const withoutLeftovers = ({ others: _, ...facts }: State): State => facts;

/** The facts that differ from those that are wanted; of several wanted states, from the nearest. */
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
async function notRunning(box: Box, { before, after }: Expectation): Promise<readonly string[]> {
  const isKept = before.container.link !== '' && after.container.link !== '';
  const problems: string[] = [];
  for (const name of isKept ? [NAME, NEIGHBOUR] : [NEIGHBOUR]) {
    const { stdout } = await box.sh(`systemctl is-active ${name}; ${bundleOf(name)}`);
    const [active, bundle = ''] = stdout.split('\n');
    const isWhole = active === 'active' && bundle.startsWith(`${CONTAINERS}/${name}.`);
    if (!isWhole) problems.push(`after the boot: ${name} is ${active}, from '${bundle}'`);
  }
  return problems;
}

/** The directory that a container runs from; systemd says that a service is active before runc knows of it. */
const bundleOf = (name: string) =>
  `for i in $(seq 50); do runc state ${name} 2>/dev/null | jq -er .bundle && break; sleep 0.1; done`;

async function runningProblems(box: Box, { container }: Facts): Promise<readonly string[]> {
  if (container.link === '') {
    const { stdout } = await box.sh(`runc list -q | grep -x ${NAME}; systemctl is-active ${NAME}`);
    return stdout === 'inactive\n' ? [] : [`runs without a container: ${stdout}`];
  }
  const bundle = (await box.sh(bundleOf(NAME))).stdout.trim();
  const ask = `for i in $(seq 50); do curl -sf localhost:8081 && exit; sleep 0.1; done`;
  const { stdout: answer } = await box.sh(ask);
  return [
    ...(bundle === container.link ? [] : [`runs from '${bundle}', the link says ${container.link}`]),
    ...(answer === `Hi ${container.receiver}\n` ? [] : [`answers '${answer}', not '${container.receiver}'`]),
  ];
}

async function repositoryProblems(box: Box): Promise<readonly string[]> {
  try {
    await expectSoundRepository(box);
    return [];
  } catch (error) {
    return [`ostree fsck: ${(error as Error).message}`];
  }
}
