/** Types the commands that README.md and docs/GUIDE.md show, in their order, and looks for what they say is printed. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PROJECT } from '../support/box.ts';
import { useBox } from '../support/test-box.ts';

const box = useBox();

interface Typed {
  readonly line: string;
  /** What the document shows after it; documents leave out lines that say nothing new. */
  readonly shown: string;
}

interface Block {
  /** Its first command, for the name of the test. */
  readonly first: string;
  readonly commands: readonly Typed[];
}

/** The blocks of commands for root in a document, fenced or indented. */
function blocksOf(document: string): readonly Block[] {
  const text = readFileSync(join(PROJECT, document), 'utf8');
  const fenced = [...text.matchAll(/^```console\n(# [\s\S]*?)^```/gm)].map(([, block]) => block ?? '');
  const indented = [...text.matchAll(/^ {4}# .*\n(?: {4}.*\n)*/gm)].map(([block]) =>
    block.replaceAll(/^ {4}/gm, ''),
  );
  return [...fenced, ...indented].map((block) => {
    const commands = block.split(/^# /m).slice(1).map(typedOf);
    return { first: commands[0]?.line ?? '', commands };
  });
}

function typedOf(part: string): Typed {
  const [line = '', ...shown] = part.split('\n');
  return { line, shown: shown.join('\n') };
}

/** The lines of a text, without what differs from run to run: times, ids, sizes, slots, columns, the journal. */
function linesOf(text: string): readonly string[] {
  return text
    .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)?/g, 'TIME')
    .replaceAll(/\b[0-9a-f]{12,64}\b/g, 'ID')
    .replaceAll(/\b[\d.]+ [kMG]?B\b/g, 'SIZE')
    .replaceAll(/\bprocess \d+/g, 'process N')
    .replaceAll(/\/hello\.[01]\b/g, '/hello.N')
    .replaceAll(/\((?:activating|deactivating|failed), /g, '(STATE, ')
    .split('\n')
    .map((line) => line.replaceAll(/ +/g, ' ').trim())
    .filter((line) => line !== '' && !line.startsWith('hello: '));
}

/** The lines of `shown` that do not follow each other in `printed`. */
function missingIn(printed: readonly string[], shown: readonly string[]): readonly string[] {
  let from = 0;
  return shown.filter((line) => {
    const at = printed.indexOf(line, from);
    if (at >= 0) from = at + 1;
    return at < 0;
  });
}

/** What the text around some commands takes for granted. */
const BEFORE: readonly { readonly to: (typed: Typed) => boolean; readonly run: string }[] = [
  {
    to: ({ line }) => line.includes('--rootfs='),
    run: 'atomic install --system --name=hello docker.io/gscrivano/hello-world && atomic run hello',
  },
  {
    to: ({ shown }) => shown.includes('was cut short'),
    run: 'ATOMIC_TEST_FAULT=switch.linked:kill atomic containers update --set=RECEIVER=Eve hello || systemctl is-enabled hello',
  },
];

/** Not typed: what wants make, packages, a terminal, a Docker engine, or an image that the document does not make. */
const IS_ONLY_SHOWN = /^(?:make|dnf|apt|systemctl status|journalctl|docker|atomic pull oci:)/;

/** A server may need a moment; a command in the background keeps our end of its output open. */
function typable(line: string): string {
  if (line.startsWith('curl ')) return `${line} -sS --retry 60 --retry-connrefused --retry-delay 1`;
  return line.includes('--detach') ? `${line} >/dev/null 2>&1` : line;
}

async function type(typed: Typed): Promise<void> {
  for (const { run } of BEFORE.filter(({ to }) => to(typed))) await box.type(run);
  const { stdout, stderr, exitCode } = await box.sh(typable(typed.line));
  const printed = linesOf(stdout + stderr);
  const shown = linesOf(typed.shown);
  if (shown.length === 0) expect({ line: typed.line, exitCode, stderr }).toMatchObject({ exitCode: 0 });
  expect({ line: typed.line, missing: missingIn(printed, shown), printed }).toMatchObject({ missing: [] });
}

describe.each(['README.md', 'docs/GUIDE.md'])('%s', (document) => {
  it.each(blocksOf(document))('shows what is printed, from $first on', async ({ commands }) => {
    for (const typed of commands.filter(({ line }) => !IS_ONLY_SHOWN.test(line))) await type(typed);
  });
});

describe('missingIn', () => {
  it.each([
    { printed: ['a', 'b', 'c'], shown: ['a', 'c'], missing: [] },
    { printed: ['a', 'b'], shown: ['b', 'a'], missing: ['a'] },
    { printed: [], shown: ['a'], missing: ['a'] },
  ])('finds $missing of $shown missing in $printed', ({ printed, shown, missing }) => {
    expect(missingIn(printed, shown)).toEqual(missing);
  });
});
