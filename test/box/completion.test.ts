/** Completes command lines in real shells: what the line editor makes of them, or, for fish, what it would offer. */
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { PROJECT } from '../support/box.ts';
import { CONTAINERS, useBox } from '../support/test-box.ts';

const box = useBox();
const SHARE = join(PROJECT, 'dist/share');
let image = '';

beforeAll(() => {
  image = box.image('hello-world');
});

describe('atomic __complete', () => {
  it('writes nothing on a host without containers, and says nothing of what it does not know', async () => {
    for (const words of ['containers', 'images', 'names', 'variables -- hello -x', 'bogus'])
      expect(await box.sh(`atomic __complete ${words}`)).toEqual({ stdout: '', stderr: '', exitCode: 0 });

    expect((await box.sh(`ls -A ${CONTAINERS} /run/atomic`)).stdout).toBe('');
  });

  it('leaves out names that mean something to a shell', async () => {
    await box.type(`mkdir -p '${CONTAINERS}/$(reboot)' ${CONTAINERS}/plain`);

    expect(await box.type('atomic __complete containers')).toBe('plain\n');
    await box.type(`rm -r ${CONTAINERS}`);
  });
});

/** The processor time of a command in milliseconds, the least of several runs: that does not wait for others. */
async function processorTime(command: string): Promise<number> {
  const once = `{ time ${command} >/dev/null 2>/dev/null; } 2>&1`;
  const times = await box.run(['bash', '-c', `TIMEFORMAT='%3U %3S'; for i in {1..8}; do ${once}; done`]);
  const sums = times.stdout
    .trim()
    .split('\n')
    .map((line) => line.split(' ').reduce((sum, part) => sum + Number(part), 0));
  return Math.min(...sums) * 1000;
}

it('answers with little more than Node takes to start', async () => {
  await box.type(`atomic pull ${image}`);
  const bare = await processorTime('node -e 0');

  for (const words of ['names', `variables -- ${image}`]) {
    const ratio = (await processorTime(`atomic __complete ${words}`)) / bare;
    // 150 ms where Node takes 30; names take 2 times as long as it, variables 3 to 4 times
    expect(ratio, words).toBeLessThan(5);
  }
  await box.type(`atomic -y images delete ${image} && atomic images prune`);
});

/** Keys that make a line editor insert everything that it could complete, and then make `echo : …` of the line. */
const SHELLS = {
  bash: {
    program: 'bash --norc --noprofile -i',
    setup: `source ${SHARE}/bash-completion/completions/atomic`,
    insertAll: '\x1b*',
  },
  zsh: {
    program: 'zsh -f -i',
    setup: [
      `fpath=(${SHARE}/zsh/site-functions $fpath)`,
      'autoload -Uz compinit && compinit -u -D',
      'zle -C all-matches complete-word _generic',
      "zstyle ':completion:all-matches::::' completer _all_matches _complete",
      "zstyle ':completion:all-matches:*' insert true",
      "bindkey '^T' all-matches",
    ].join('; '),
    insertAll: '\x14',
  },
} as const;

type Editor = keyof typeof SHELLS;

/** The lines after completion, typed one after the other, and everything that the terminal has shown. */
async function completed(
  editor: Editor,
  typed: readonly string[],
  env = {},
): Promise<{ lines: readonly string[]; shown: string }> {
  const { program, setup, insertAll } = SHELLS[editor];
  const keys = [setup, ...typed.map((line) => `${line}${insertAll}\x01echo : `), 'exit\n'].join('\n');
  const shell = `script --quiet --return --command 'stty cols 9999; ${program}' /dev/null`;
  const { stdout } = await box.sh(shell, { input: keys, env: { TERM: 'dumb', ...env } });
  const shown = stdout.replaceAll('\r', '');
  const lines = [...shown.matchAll(/^: (atomic.*)$/gm)].map(([, line]) => (line ?? '').trimEnd());
  return { lines, shown };
}

async function offered(line: string): Promise<readonly string[]> {
  const source = `source ${SHARE}/fish/vendor_completions.d/atomic.fish`;
  const { stdout } = await box.run(['fish', '--no-config', '-c', `${source}; complete -C "$argv[1]"`, line]);
  return stdout.split('\n').flatMap((found) => (found === '' ? [] : [found.split('\t')[0] ?? '']));
}

/** A line, up to the word that is completed, that word, and what can become of it. */
const CASES = () => [
  { before: 'atomic', word: 'uni', found: ['uninstall'] },
  { before: 'atomic', word: '--assu', found: ['--assumeyes'] },
  { before: 'atomic containers', word: '', found: ['delete', 'list', 'rollback', 'trim', 'update'] },
  { before: 'atomic --debug images', word: 'ver', found: ['verify', 'version'] },
  { before: 'atomic install --system', word: '--sto', found: ['--storage'] },
  { before: 'atomic install --system-package', word: '', found: ['auto', 'build', 'no', 'yes'] },
  { before: 'atomic install', word: '--storage=', found: ['--storage=ostree'] },
  { before: 'atomic containers list', word: '--filter=st', found: ['--filter=state='] },
  { before: 'atomic containers rollback', word: '', found: ['hello', 'second'] },
  { before: 'atomic containers update --runtime /bin/false', word: 'sec', found: ['second'] },
  { before: 'atomic containers update', word: '--container=sec', found: ['--container=second'] },
  { before: 'atomic images info', word: image.slice(0, -1), found: [`${image}:latest`] },
  { before: 'atomic run', word: 'hel', found: ['hello'] },
  { before: `atomic install ${image}`, word: '--set=REC', found: ['--set=RECEIVER='] },
  { before: 'atomic containers update hello', word: '--set=REC', found: ['--set=RECEIVER='] },
  { before: 'atomic mount hello', word: '/var/lib/contai', found: ['/var/lib/containers/'] },
  { before: 'atomic install', word: '--name=h', found: [] },
  { before: 'atomic stop hello', word: 'hel', found: [] },
];

/** Shells differ in whether they show that a directory is one. */
const withoutSlash = (line: string) => line.replace(/\/$/, '');

describe('completion', () => {
  beforeAll(async () => {
    await box.type(`atomic install --system --name=hello ${image}`);
    await box.type(`atomic install --system --name=second --set=PORT=8082 ${image}`);
  });

  it.each(['bash', 'zsh'] as const)('in %s', async (editor) => {
    const { lines } = await completed(
      editor,
      CASES().map(({ before, word }) => `${before} ${word}`),
    );

    const wanted = CASES().map(({ before, word, found }) =>
      [before, ...(found.length === 0 ? [word] : found)].join(' '),
    );
    expect(lines.map(withoutSlash)).toEqual(wanted.map(withoutSlash));
  });

  it('in fish', async () => {
    for (const { before, word, found } of CASES())
      expect({ before, found: await offered(`${before} ${word}`) }).toEqual({ before, found });
  });

  it.each(['bash', 'zsh'] as const)('shows no error in %s', async (editor) => {
    const { lines, shown } = await completed(editor, ['atomic uninstall he'], { ATOMIC_CONF: '/missing' });

    expect(lines).toEqual(['atomic uninstall he']);
    expect(shown).not.toContain('does not exist');
  });

  it.each(['containers', 'images', 'variables -- hello'])('starts no program to list %s', async (words) => {
    const trace = 'strace --follow-forks --trace=execve --status=successful --output=/tmp/execs';
    await box.type(`${trace} atomic __complete ${words}`);

    // after the launcher, and Node.js in its place
    const last = await box.type('sed -n \'s/.*execve("\\([^"]*\\)".*/\\1/p\' /tmp/execs | tail -1');
    expect(last).toMatch(/\/node\n$/);
  });
});
