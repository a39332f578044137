/** Failing system calls: which ones a command makes, and running it so that one of them fails. */
import type { Box, Outcome } from '../support/box.ts';
import { PROJECT } from '../support/box.ts';

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

/** The `nth` call of its kind, counted from 1, fails. */
export interface Injection {
  readonly call: Call;
  readonly nth: number;
  readonly error: string;
}

/** Where the files are that a command may change. */
const OURS = /\/(var\/lib\/containers\/atomic|etc|opt|usr\/local\/bin)[/>"]/;

/**
 * strace(1) on the program itself, not on those that it runs. All calls that wait for a disk are then made by one thread,
 * in an order that is the same in each run, and strace counts them for each thread.
 */
const strace = (options: string, argv: readonly string[]) =>
  `cd / && UV_THREADPOOL_SIZE=1 strace --follow-forks --detach-on=execve -e signal=none ${options} ` +
  `node ${PROJECT}/dist/atomic.mjs ${argv.join(' ')}`;

/** How often a command makes each call on files that are ours: the numbers to inject errors at. */
export async function callsOf(
  box: Pick<Box, 'sh'>,
  argv: readonly string[],
): Promise<Map<Call, readonly number[]>> {
  const log = '/run/strace.log';
  const { exitCode, stderr } = await box.sh(
    strace(`--decode-fds=path --trace=${CALLS.join(',')} --output=${log}`, argv),
  );
  if (exitCode !== 0) throw new Error(`'atomic ${argv.join(' ')}' ended with ${exitCode}: ${stderr}`);
  const { stdout } = await box.sh(`cat ${log}; rm ${log}`);
  return countsIn(stdout);
}

function countsIn(log: string): Map<Call, readonly number[]> {
  const lines = log.split('\n').flatMap((line) => {
    const [, thread = '', call = '', rest = ''] = /^(\d+) +(\w+)\((.*)/.exec(line) ?? [];
    return thread === '' ? [] : [{ thread, call: call as Call, isOurs: OURS.test(rest) }];
  });
  // the thread that makes directories is the one that waits for disks
  const worker =
    lines.find(({ call }) => call === 'mkdir')?.thread ?? lines.find(({ call }) => call === 'fsync')?.thread;
  const counts = new Map<Call, number[]>();
  const seen = new Map<Call, number>();
  for (const { thread, call, isOurs } of lines) {
    if (thread !== worker) continue;
    seen.set(call, (seen.get(call) ?? 0) + 1);
    if (isOurs) counts.set(call, [...(counts.get(call) ?? []), seen.get(call) ?? 0]);
  }
  return counts;
}

/** Runs `atomic` so that one system call fails; 134 is how node ends when the call was one of its own. */
export async function withInjection(
  box: Pick<Box, 'sh'>,
  argv: readonly string[],
  { call, nth, error }: Injection,
): Promise<Outcome> {
  return await box.sh(
    strace(`--output=/dev/null --trace=${call} --inject=${call}:error=${error}:when=${nth}`, argv),
  );
}
