import { describe, expect, it } from 'vitest';
import { containerFilter, renderContainers } from '../../../src/cli/containers/list.ts';
import type { ContainerRow } from '../../../src/containers/list.ts';
import { AtomicError } from '../../../src/errors.ts';

const ETCD: ContainerRow = {
  id: 'etcd',
  imageId: 'ab'.repeat(32),
  imageName: 'docker.io/gscrivano/etcd:latest',
  name: 'etcd',
  command: '/usr/bin/etcd-env.sh /usr/bin/etcd',
  created: new Date(2026, 10, 3, 4, 5, 6),
  state: 'running',
  backend: 'ostree',
  runtime: '/usr/bin/runc',
  isVulnerable: false,
  isRunning: true,
};
const HELLO: ContainerRow = {
  ...ETCD,
  id: 'a-name-of-more-than-twelve',
  name: 'a-name-of-more-than-twelve',
  imageId: 'cd'.repeat(32),
  imageName: 'hello:1',
  command: '',
  state: 'no service',
  runtime: '/opt/bin/crun',
  isVulnerable: true,
};
const STOPPED: ContainerRow = { ...ETCD, id: 'x', name: 'x', state: 'inactive', isRunning: false };

const TEXT = { trunc: true };

describe('renderContainers', () => {
  it('has the columns of the Python tool, and cuts what is too long', () => {
    expect(renderContainers([ETCD, HELLO], TEXT)).toEqual([
      '   CONTAINER ID IMAGE                NAME       COMMAND    CREATED          STATE      BACKEND    RUNTIME   ',
      '   etcd         docker.io/gscrivano/ etcd       /usr/bin/e 2026-11-03 04:05 running    ostree     /usr/bin/r',
      '\u2620  a-name-of-mo hello:1              a-name-of-            2026-11-03 04:05 no service ostree     /opt/bin/c',
    ]);
  });

  it('cuts no id, image, name or command with --no-trunc', () => {
    expect(renderContainers([ETCD, HELLO], { trunc: false })).toEqual([
      '   CONTAINER ID               IMAGE                           NAME                       COMMAND                            CREATED          STATE      BACKEND    RUNTIME   ',
      '   etcd                       docker.io/gscrivano/etcd:latest etcd                       /usr/bin/etcd-env.sh /usr/bin/etcd 2026-11-03 04:05 running    ostree     /usr/bin/r',
      '\u2620  a-name-of-more-than-twelve hello:1                         a-name-of-more-than-twelve                                    2026-11-03 04:05 no service ostree     /opt/bin/c',
    ]);
  });

  it('makes no column narrower than its heading, and the command ten wide', () => {
    const short = { ...ETCD, id: 'x', name: 'x', imageName: 'i', command: 'c' };

    expect(renderContainers([short], { trunc: false })).toEqual([
      '   CONTAINER ID IMAGE NAME COMMAND    CREATED          STATE      BACKEND    RUNTIME   ',
      '   x            i     x    c          2026-11-03 04:05 running    ostree     /usr/bin/r',
    ]);
  });

  it('leaves the headings out', () => {
    expect(renderContainers([STOPPED], { trunc: true, noheading: true })).toEqual([
      '   x            docker.io/gscrivano/ x          /usr/bin/e 2026-11-03 04:05 inactive   ostree     /usr/bin/r',
    ]);
  });

  it.each([
    { name: 'ids only', options: { trunc: true, quiet: true as const }, want: ['etcd', 'a-name-of-mo'] },
    {
      name: 'whole ids',
      options: { trunc: false, quiet: true as const },
      want: ['etcd', 'a-name-of-more-than-twelve'],
    },
    {
      name: 'ids rather than JSON',
      options: { trunc: true, quiet: true as const, json: true as const },
      want: ['etcd', 'a-name-of-mo'],
    },
  ])('prints $name', ({ options, want }) => {
    expect(renderContainers([ETCD, HELLO], options)).toEqual(want);
  });

  it('has the keys of the Python tool, in its order, in JSON', () => {
    expect(renderContainers([HELLO], { trunc: true, json: true }).join('\n')).toBe(
      `[
    {
        "id": "a-name-of-more-than-twelve",
        "image_id": "${'cd'.repeat(32)}",
        "image_name": "hello:1",
        "name": "a-name-of-more-than-twelve",
        "command": "",
        "created": "2026-11-03 04:05:06",
        "state": "no service",
        "backend": "ostree",
        "runtime": "/opt/bin/crun",
        "vulnerable": true,
        "running": true
    }
]`,
    );
    expect(JSON.parse(renderContainers([STOPPED], { trunc: true, json: true }).join('\n'))).toMatchObject([
      { running: false, vulnerable: false, state: 'inactive' },
    ]);
  });

  it.each([
    { name: 'text', options: TEXT, want: [] },
    { name: 'text without headings', options: { trunc: false, noheading: true as const }, want: [] },
    { name: 'ids', options: { trunc: true, quiet: true as const }, want: [] },
    { name: 'JSON', options: { trunc: true, json: true as const }, want: ['[]'] },
    {
      name: 'ids rather than JSON',
      options: { trunc: true, json: true as const, quiet: true as const },
      want: [],
    },
  ])('of no containers is $want as $name', ({ options, want }) => {
    expect(renderContainers([], options)).toEqual(want);
  });
});

describe('containerFilter', () => {
  const idsOf = (...texts: readonly string[]) =>
    containerFilter(texts)([ETCD, HELLO, STOPPED]).map(({ id }) => id);

  it.each([
    { filters: [], want: ['etcd', HELLO.id, 'x'] },
    { filters: ['container=ETCD'], want: ['etcd'] },
    { filters: ['image=gscrivano'], want: ['etcd', 'x'] },
    { filters: ['image=hello:1'], want: [HELLO.id] },
    { filters: ['command=env.sh'], want: ['etcd', 'x'] },
    { filters: ['created=2026-11-03 04:05:06'], want: ['etcd', HELLO.id, 'x'] },
    { filters: ['created=2026-11-04'], want: [] },
    { filters: ['state=running'], want: ['etcd'] },
    { filters: ['state=NO SERVICE'], want: [HELLO.id] },
    { filters: ['runtime=ostree'], want: ['etcd', HELLO.id, 'x'] },
    { filters: ['runtime=crun'], want: [HELLO.id] },
    { filters: ['backend=ostree'], want: ['etcd', HELLO.id, 'x'] },
    { filters: ['backend=docker'], want: [] },
    { filters: ['runtime=/usr/bin', 'state=inactive'], want: ['x'] },
  ])('picks $want by $filters', ({ filters, want }) => {
    expect(idsOf(...filters)).toEqual(want);
  });

  it.each([
    {
      filter: 'foo=x',
      message:
        "The filter foo is not valid.  Please choose from ['container', 'image', 'command', 'created', 'state', 'runtime', 'backend']",
    },
    { filter: 'IMAGE=x', message: 'The filter IMAGE is not valid.  ' },
    { filter: 'image', message: 'The filter image is not formatted correctly.  It should be VAR=VALUE' },
    {
      filter: 'image=a=b',
      message: 'The filter image=a=b is not formatted correctly.  It should be VAR=VALUE',
    },
  ])('refuses $filter', ({ filter, message }) => {
    expect(() => containerFilter([filter])).toThrow(AtomicError);
    expect(() => containerFilter([filter])).toThrow(message);
  });
});
