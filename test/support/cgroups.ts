/** Cgroups for each machine: machines that share them kill, and remove, what belongs to the others. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Where the hierarchies are that systemd-nspawn uses: version 2 alone, or beside those of version 1. */
const HIERARCHIES = ['/sys/fs/cgroup', '/sys/fs/cgroup/unified', '/sys/fs/cgroup/systemd'].filter(
  (directory) => existsSync(join(directory, 'cgroup.procs')),
);

/** What has to precede a command so that it, and what it starts, runs in cgroups of that name. */
export function inCgroups(name: string): readonly string[] {
  const directories = HIERARCHIES.map((hierarchy) => join(hierarchy, name)).join(' ');
  const enter = `for d in ${directories}; do mkdir -p $d && echo $$ > $d/cgroup.procs; done; exec "$@"`;
  return ['sh', '-c', enter, 'in-cgroups'];
}

/** Removes cgroups once nothing runs in them. */
export function removeCgroups(name: string): void {
  for (const hierarchy of HIERARCHIES)
    spawnSync('find', [join(hierarchy, name), '-depth', '-type', 'd', '-exec', 'rmdir', '{}', ';']);
}

/** The names of the cgroups at the top. */
export function cgroupNames(): readonly string[] {
  return [...new Set(HIERARCHIES.flatMap((hierarchy) => readdirSync(hierarchy)))];
}
