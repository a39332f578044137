import { describe, expect, it } from 'vitest';
import { AtomicError } from '../../../../src/errors.ts';
import {
  baseNameOf,
  fullName,
  parseName,
  parseReference,
  recordedName,
  shownName,
} from '../../../../src/images/names/reference.ts';

const HEX = 'ab'.repeat(32);

describe('parseReference', () => {
  it.each([
    { text: 'busybox', want: ['', '', 'busybox', 'latest', ''] },
    { text: 'busybox:2.1', want: ['', '', 'busybox', '2.1', ''] },
    { text: 'library/busybox', want: ['', 'library', 'busybox', 'latest', ''] },
    { text: 'docker.io/busybox', want: ['docker.io', 'library', 'busybox', 'latest', ''] },
    {
      text: 'docker.io/library/foobar/busybox:2.1',
      want: ['docker.io', 'library/foobar', 'busybox', '2.1', ''],
    },
    { text: 'docker.io:5000/busybox', want: ['docker.io:5000', '', 'busybox', 'latest', ''] },
    {
      text: 'registry.access.redhat.com/rhel7',
      want: ['registry.access.redhat.com', '', 'rhel7', 'latest', ''],
    },
    { text: 'localhost:5000/a/b/c:2', want: ['localhost:5000', 'a/b', 'c', '2', ''] },
    { text: 'localhost/a', want: ['localhost', '', 'a', 'latest', ''] },
    { text: '[::1]:5000/a:1', want: ['[::1]:5000', '', 'a', '1', ''] },
    { text: `fedora@sha256:${HEX}`, want: ['', '', 'fedora', '', `sha256:${HEX}`] },
    { text: `docker.io/fedora@sha256:${HEX}`, want: ['docker.io', 'library', 'fedora', '', `sha256:${HEX}`] },
  ])('takes $text apart', ({ text, want }) => {
    const { registry, repository, image, tag, digest } = parseReference(text);

    expect([registry, repository, image, tag, digest]).toEqual(want);
  });

  it.each([
    { text: 'oci:x', transport: 'registry', name: 'x' },
    { text: 'https:x', transport: 'registry', name: 'x' },
    { text: 'http:localhost:5000/x', transport: 'insecure', name: 'localhost:5000/x' },
    { text: 'docker:etcd', transport: 'docker', name: 'etcd' },
    { text: 'dockertar:/a/b.tar', transport: 'dockertar', name: '/a/b.tar' },
    { text: 'dockertar://a/b.tar', transport: 'dockertar', name: '/a/b.tar' },
    { text: 'dockertar:b.tar', transport: 'dockertar', name: 'b.tar' },
    { text: 'oci:/a/b', transport: 'oci', name: '/a/b' },
    { text: 'oci:./b:1', transport: 'oci', name: './b:1' },
    { text: 'oci:../b', transport: 'oci', name: '../b' },
    { text: 'oci:a/b', transport: 'registry', name: 'a/b' },
    { text: 'oci-archive:b.tar:1', transport: 'oci-archive', name: 'b.tar:1' },
    { text: 'dir:b', transport: 'dir', name: 'b' },
    { text: 'containers-storage:localhost/b:1', transport: 'containers-storage', name: 'localhost/b:1' },
    { text: 'me/foci:1', transport: 'registry', name: 'me/foci:1' },
    { text: 'quay.io/me/docker:1', transport: 'registry', name: 'quay.io/me/docker:1' },
  ])('reads the prefix of $text, at the start only', ({ text, transport, name }) => {
    expect(parseReference(text)).toMatchObject({ transport, name });
  });

  it('drops one prefix only', () => {
    expect(parseReference('oci:http:x')).toMatchObject({ transport: 'registry', name: 'http:x' });
  });

  it.each([
    '',
    '-x',
    '.x',
    'a b',
    'a/../b',
    'a//b',
    'a\nb',
    '/abs',
    'a:',
    'docker:',
    'dockertar:',
    'oci-archive:',
    'dir:',
    'containers-storage:[overlay@/x]y',
    'docker:/etc',
    'x@sha256:zz',
  ])('refuses %j', (text) => {
    expect(() => parseReference(text)).toThrow(AtomicError);
  });

  it('refuses a tag beside a digest', () => {
    expect(() => parseReference(`fedora:1@sha256:${HEX}`)).toThrow(
      'An image name cannot have both a tag and manifest digest in its name',
    );
  });
});

describe('recordedName', () => {
  it.each([
    { name: 'etcd', want: 'etcd' },
    { name: 'quay.io/me/docker:1', want: 'quay.io/me/docker:1' },
    { name: 'docker:24', want: 'oci:docker:24' },
    { name: 'http:1', want: 'oci:http:1' },
    { name: 'oci:1', want: 'oci:oci:1' },
    { name: 'dir:1', want: 'oci:dir:1' },
  ])('records $name as $want, which is read as the same name', ({ name, want }) => {
    const recorded = recordedName(parseName(name));

    expect(recorded).toBe(want);
    expect(parseReference(recorded)).toEqual(parseName(name));
  });
});

describe('baseNameOf', () => {
  it.each([
    { path: '/x/etcd.tar', want: 'etcd' },
    { path: '/x/etcd.tar.gz', want: 'etcd' },
    { path: 'etcd.tgz', want: 'etcd' },
    { path: '/x/my.etcd', want: 'my.etcd' },
    { path: '/x/layout/', want: 'layout' },
  ])('calls what $path holds $want', ({ path, want }) => {
    expect(baseNameOf(path)).toBe(want);
  });
});

describe('fullName', () => {
  it.each([
    { text: 'a', want: 'a:latest' },
    { text: 'gscrivano/hello-world', want: 'gscrivano/hello-world:latest' },
    { text: 'localhost:5000/a', want: 'localhost:5000/a:latest' },
    { text: `a@sha256:${HEX}`, want: `a@sha256:${HEX}` },
  ])('shows $text as $want', ({ text, want }) => {
    expect(fullName(parseReference(text))).toBe(want);
    expect(shownName(text)).toBe(want);
  });

  it('leaves a recorded name alone that cannot be taken apart', () => {
    expect(shownName('not a name')).toBe('not a name');
  });
});
