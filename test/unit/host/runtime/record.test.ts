import { expect, it } from 'vitest';
import { scopeIn } from '../../../../src/host/runtime/record.ts';

it.each([
  ['/sys/fs/cgroup/system.slice/runc-c.scope', '/sys/fs/cgroup/system.slice/runc-c.scope'],
  ['/sys/fs/cgroup/system.slice/crun-c.scope/container', '/sys/fs/cgroup/system.slice/crun-c.scope'],
  [
    '/sys/fs/cgroup/a.slice/docker-0ab.scope/b.slice/runc-c.scope',
    '/sys/fs/cgroup/a.slice/docker-0ab.scope/b.slice/runc-c.scope',
  ],
  ['/sys/fs/cgroup/user.slice/user-0.slice/session-3.scope/c', undefined],
  ['/sys/fs/cgroup/system.slice/runc-abc.scope', undefined],
])('of the cgroup %s, the scope of the container is %s', (cgroup, scope) => {
  expect(scopeIn(cgroup, 'c')).toBe(scope);
});
