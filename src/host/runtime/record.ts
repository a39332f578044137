/** What runc and crun write down of a container in /run, read in this process: starting them takes 10 ms and more. */
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import * as z from 'zod/mini';
import { AtomicError, ifPossible } from '../../errors.ts';
import { parseJson } from '../../json.ts';
import type { Host } from '../host.ts';

/** The record of a container. The runtime removes it with the container, when nothing is left of that. */
export interface RuntimeRecord {
  /** Of the container's first process; 0 when it has ended. */
  readonly pid: number;
  /** Whether the record is still there. */
  readonly isPresent: () => boolean;
  /** The unit that systemd made for the container's cgroup, as long as that cgroup is there. */
  readonly remainingScope: () => string | undefined;
}

/** The part of a record that matters here. */
interface Content {
  readonly pid: number;
  /** When that process was started, in ticks since the machine was. */
  readonly started: number;
  readonly cgroups: readonly string[];
}

/** `state.json` of runc: https://pkg.go.dev/github.com/opencontainers/runc/libcontainer#State */
const RuncState = z.pipe(
  z.looseObject({
    init_process_pid: z.number(),
    init_process_start: z.number(),
    cgroup_paths: z.nullish(z.record(z.string(), z.string())),
  }),
  z.transform(
    (state): Content => ({
      pid: state.init_process_pid,
      started: state.init_process_start,
      cgroups: Object.values(state.cgroup_paths ?? {}),
    }),
  ),
);

/** Where systemd has its own cgroups: alone, and beside those of version 1. */
const CGROUP_ROOTS = ['/sys/fs/cgroup', '/sys/fs/cgroup/unified', '/sys/fs/cgroup/systemd'];

/** `status` of crun: https://github.com/containers/crun/blob/main/src/libcrun/status.c */
const CrunStatus = z.pipe(
  z.looseObject({
    pid: z.number(),
    'process-start-time': z.number(),
    'cgroup-path': z.nullish(z.string()),
  }),
  z.transform(
    ({ 'cgroup-path': cgroup, ...status }): Content => ({
      pid: status.pid,
      started: status['process-start-time'],
      cgroups: cgroup ? CGROUP_ROOTS.map((root) => join(root, cgroup)) : [],
    }),
  ),
);

/** The directory of each runtime's containers, for root; the file in that of a container; and what is in it. */
const KNOWN: Readonly<Record<string, { root: string; file: string; schema: z.ZodMiniType<Content> }>> = {
  runc: { root: '/run/runc', file: 'state.json', schema: RuncState },
  crun: { root: '/run/crun', file: 'status', schema: CrunStatus },
};

/**
 * The record of the container `id`; `undefined` where only the runtime itself can tell: when it is another one, when it
 * has no container of that name, or keeps it elsewhere.
 */
export function runtimeRecord({ user }: Host, runtime: string, id: string): RuntimeRecord | undefined {
  const known = user.isRoot ? KNOWN[basename(runtime)] : undefined;
  if (known === undefined) return undefined;
  const directory = join(known.root, id);
  const file = join(directory, known.file);
  const content = ifPossible(() =>
    parseJson(
      known.schema,
      readFileSync(file, 'utf8'),
      ({ reason }) => new AtomicError(`${file}: ${reason}`),
    ),
  );
  if (content === undefined) return undefined;
  const scopes = content.cgroups.map((cgroup) => scopeIn(cgroup, id)).filter((scope) => scope !== undefined);
  return {
    pid: isProcess(content) ? content.pid : 0,
    isPresent: () => existsSync(directory),
    remainingScope: () => scopes.filter((cgroup) => existsSync(cgroup)).map((cgroup) => basename(cgroup))[0],
  };
}

/**
 * The cgroup of the scope that systemd made for a container, whose cgroup is that, or is in it. In that of a session,
 * for example, is what somebody has started by hand.
 */
export function scopeIn(cgroup: string, id: string): string | undefined {
  const parts = cgroup.split('/');
  const last = parts.findLastIndex((part) => part.endsWith(`-${id}.scope`));
  return last < 0 ? undefined : parts.slice(0, last + 1).join('/');
}

/** Process ids are used again: it has to be the one that was started then (proc_pid_stat(5), field 22). */
function isProcess({ pid, started }: Content): boolean {
  const stat = ifPossible(() => readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? '';
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]) === started;
}
