/** tar(1): reads single files of an archive without unpacking it. */
import { AtomicError } from '../../errors.ts';
import type { Host } from '../host.ts';

/** tar(1), "Possible exit codes": anything from an absent member to a file that is no archive. */
const FATAL = 2;

/**
 * The text of one file in an archive, compressed or not; links in it are not followed.
 *
 * @param archive an absolute path
 * @returns `undefined` when the archive has no such file
 * @throws AtomicError when the file is not an archive
 */
export async function readMember(host: Host, archive: string, member: string): Promise<string | undefined> {
  // tools that archive `.` put `./` before each name
  const members = [member, `./${member}`];
  const args = ['--extract', '--to-stdout', '--occurrence=1', '--force-local', `--file=${archive}`, '--'];
  const call = { tool: 'tar', args: [...args, ...members], env: { LC_ALL: 'C' }, expected: [FATAL] };
  const { stdout, stderr } = await host.processes.run(call);
  const complaint = stderr
    .split('\n')
    .find((line) => line !== '' && !/: Not found in archive$|^tar: Exiting/.test(line));
  if (complaint !== undefined)
    throw new AtomicError(`cannot read ${archive}: ${complaint.replace(/^tar: /, '')}`);
  return stdout === '' ? undefined : stdout;
}
