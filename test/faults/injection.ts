/** Failing system calls: which ones a command makes on which files, and running it so that one of them fails. */
import { type Box, type Outcome, PROJECT } from '../support/box.ts';

/** The errors that a file system may answer each of these calls with. */
export const ERRORS = {
  fsync: ['EIO', 'ENOSPC', 'EDQUOT'],
  rename: ['ENOSPC', 'EROFS', 'EIO', 'EDQUOT'],
  unlink: ['EROFS', 'EIO'],
  rmdir: ['EROFS', 'EIO'],
  link: ['ENOSPC', 'EDQUOT', 'EROFS', 'EIO'],
  symlink: ['ENOSPC', 'EDQUOT', 'EROFS', 'EIO'],
  mkdir: ['ENOSPC', 'EDQUOT', 'EROFS', 'EIO'],
  write: ['ENOSPC', 'EDQUOT', 'EIO'],
  copy_file_range: ['ENOSPC', 'EDQUOT', 'EIO'],
  openat: ['ENOSPC', 'EROFS', 'EDQUOT', 'EIO'],
} as const;

export type Call = keyof typeof ERRORS;
export const CALLS = Object.keys(ERRORS) as Call[];

/** A call on a file. */
export interface CallOn {
  readonly call: Call;
  /** As the program names it. */
  readonly path: string;
  /** Which of the calls of that kind on that file by that thread it is, counted from 1. */
  readonly nth: number;
}

/** The files that a command may change, and paths below open directories. */
const OURS = /^\/(var\/lib\/containers\/atomic|etc|opt|usr\/local\/bin|proc\/self\/fd)\b/;
/** The program finds its process id in the names of some files, so it always has this one. */
const PROCESS = 20_000;

/** nspawn mounts it read-only. */
const WRITABLE_SYS = 'mountpoint -q /proc/sys && mount -o remount,bind,rw /proc/sys';

/**
 * A line that runs `atomic` under strace(1), which follows all threads of the program, but not what it runs. Calls that
 * wait for a disk are made by one thread besides the main one, so that their order is the same in each run.
 */
function strace(options: readonly string[], argv: readonly string[]): string {
  const follow = '--follow-forks --detach-on=execve -e signal=none';
  return (
    `${WRITABLE_SYS}; echo ${PROCESS - 1} > /proc/sys/kernel/ns_last_pid; cd /; export UV_THREADPOOL_SIZE=1; ` +
    `exec strace ${follow} ${options.join(' ')} node ${PROJECT}/dist/atomic.cjs ${argv.join(' ')}`
  );
}

/** Runs a command, and returns the calls that it makes on files that are ours. */
export async function callsOf(box: Pick<Box, 'sh'>, argv: readonly string[]): Promise<readonly CallOn[]> {
  const log = '/run/strace.log';
  const options = [
    '--decode-fds=path',
    '--string-limit=256',
    `--trace=${CALLS.join(',')}`,
    `--output=${log}`,
  ];
  const { exitCode, stderr } = await box.sh(strace(options, argv));
  if (exitCode !== 0) throw new Error(`'atomic ${argv.join(' ')}' ended with ${exitCode}: ${stderr}`);
  return callsIn((await box.sh(`cat ${log}; rm ${log}`)).stdout);
}

function callsIn(log: string): readonly CallOn[] {
  const seen = new Map<string, number>();
  return log.split('\n').flatMap((line) => {
    const [, thread = '', call = '', rest = ''] = /^(\d+) +(\w+)\((.*)/.exec(line) ?? [];
    const path = pathIn(call as Call, rest);
    if (path === undefined || !OURS.test(path)) return [];
    const key = `${thread} ${call} ${path}`;
    const nth = (seen.get(key) ?? 0) + 1;
    seen.set(key, nth);
    return [{ call: call as Call, path, nth }];
  });
}

/** The file that is opened, made, removed or moved, or that an open file is; the name of a new symbolic link. */
function pathIn(call: Call, text: string): string | undefined {
  const names = [...text.matchAll(/"([^"]*)"/g)].map(([, name]) => name);
  if (call === 'symlink') return names[1];
  if (['fsync', 'write', 'copy_file_range'].includes(call)) return /^\d+<([^>]*)>/.exec(text)?.[1];
  return names[0];
}

/** Runs `atomic` so that one system call fails. */
export async function withError(
  box: Pick<Box, 'sh'>,
  argv: readonly string[],
  { call, path, nth, error }: CallOn & { error: string },
): Promise<Outcome> {
  const injection = `--inject=${call}:error=${error}:when=${nth}`;
  return await box.sh(
    strace(['--output=/dev/null', `--trace=${call}`, `--trace-path='${path}'`, injection], argv),
  );
}
