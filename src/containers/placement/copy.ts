/** Copies host files with cp(1), because Node cannot read extended attributes. */
import type { Context } from '../../context.ts';
import { AtomicError } from '../../errors.ts';
import type { Directory } from '../../host/files/directory.ts';
import { printable } from '../host-files/notes.ts';

/** So many names at once, far below what the kernel allows. */
const BATCH = 500;

/** What cp says when only the extended attributes of a file could not be copied. */
const ATTRIBUTES_ONLY = /^cp: setting attributes? /;

export interface Copying {
  readonly from: Directory;
  readonly to: Directory;
  readonly names: readonly string[];
  /** The path of `to` in messages. */
  readonly shownAs: string;
}

/**
 * Copies files and links, with owner, permissions and extended attributes (file capabilities, ACLs), to a directory
 * that holds nothing of these names. SELinux labels are not copied: `label.ts` gives them those of their places. What the file system cannot take
 * of the attributes is named in a warning.
 *
 * @throws AtomicError when a file cannot be copied
 */
export async function copyFiles(context: Context, { from, to, names, shownAs }: Copying): Promise<void> {
  for (let start = 0; start < names.length; start += BATCH) {
    const sources = names.slice(start, start + BATCH).map((name) => `${from.forPrograms}/${name}`);
    const { exitCode, stderr } = await context.processes.run({
      tool: 'cp',
      args: [
        '--no-dereference',
        '--reflink=auto',
        '--preserve=mode,ownership,xattr',
        `--target-directory=${to.forPrograms}`,
        '--',
        ...sources,
      ],
      env: { LC_ALL: 'C' },
      expected: [1],
    });
    if (exitCode !== 0)
      reportFailure(context, stderr, [
        [from.forPrograms, from.path],
        [to.forPrograms, shownAs],
      ]);
  }
}

function reportFailure(
  { report }: Context,
  stderr: string,
  paths: readonly (readonly [path: string, shownAs: string])[],
): void {
  const shown = (line: string) =>
    printable(paths.reduce((text, [path, shownAs]) => text.replaceAll(`${path}/`, `${shownAs}/`), line));
  const lines = stderr.trim().split('\n');
  const failure = lines.find((line) => !ATTRIBUTES_ONLY.test(line));
  if (failure !== undefined)
    throw new AtomicError(`cannot put a file on the host: ${shown(failure.replace(/^cp: /, ''))}`);
  for (const line of lines) {
    const text = `Extended attributes are not copied: ${shown(line.replace(/^cp: /, ''))}`;
    report({ kind: 'warning', text });
  }
}
