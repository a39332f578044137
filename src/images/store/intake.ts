/** Brings commits into the repository, each under a ref of its own. */
import { availableParallelism } from 'node:os';
import type { Context } from '../../context.ts';
import { sharedFlush } from '../../host/files/sync-file-system.ts';
import { syncRefs } from '../../host/ostree/durability.ts';
import { admit, stagingRepository } from '../../host/ostree/staging.ts';
import { type Sharing, shareRepository } from './lock.ts';

/** A commit to bring. */
export interface Arrival {
  readonly ref: string;
  /** Makes the commit, and its ref, in a repository that has nothing else and does not sync. */
  make(staging: string): Promise<void>;
  /** Whether it is still wanted; asked, twice, while nobody can remove anything. */
  isWanted(): boolean;
}

/** The way into the repository, of one command. */
export interface Intake {
  readonly share: Sharing;
  /** Brings a commit; several at once share what they write to disk. Its ref has a name when this returns. */
  bring(arrival: Arrival): Promise<void>;
  /** Puts the names of all refs that have been brought on disk. */
  finish(ref: string): Promise<void>;
}

/** Each keeps one core busy, and the disk is shared. */
const COMMITS_AT_ONCE = Math.min(4, Math.max(2, availableParallelism()));

export function openIntake(context: Context): Intake {
  const { repository } = context.paths;
  const share = shareRepository(context);
  const flush = sharedFlush(context, repository);
  const inTurn = turns(COMMITS_AT_ONCE);
  return {
    share,
    bring: async ({ ref, make, isWanted }) => {
      await using staging = await stagingRepository(context, repository);
      await inTurn(async () => await make(staging.path));
      await share(async () => {
        if (isWanted()) await admit(repository, { staging: staging.path, ref, isWanted }, flush);
      });
    },
    finish: async (ref) => await syncRefs(repository, [ref]),
  };
}

/** Lets so many works go on at once; the others wait for their turn. */
function turns(count: number): (work: () => Promise<void>) => Promise<void> {
  const waiting: (() => void)[] = [];
  let free = count;
  return async (work) => {
    if (free > 0) free--;
    else await new Promise<void>((begin) => waiting.push(begin));
    try {
      await work();
    } finally {
      const begin = waiting.shift();
      if (begin === undefined) free++;
      else begin();
    }
  };
}
